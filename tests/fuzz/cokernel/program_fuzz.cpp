// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is an executable file. It is executed as execve would, without running it: script line, ELF
// headers, interpreter, segments, initial stack. What was accepted must lie in memory as the file says. Then every
// system-call site in it is rewritten, and each rewrite must be right.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/kernel/elf.hpp"
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "tests/fuzz/cokernel/program_image.hpp"
#include "tests/fuzz/cokernel/rewrite_check.hpp"

namespace {

using namespace hobbes::lwk;
using hobbes::fuzz::Bytes;
using hobbes::fuzz::require;

constexpr MemoryPlan plan{256 << 10, 16 << 20};
constexpr uint32_t segment_load = 1;
constexpr uint64_t most_compared = 1 << 20;
constexpr char arguments[] = "program\0a b\0";
constexpr char environment[] = "HOME=/\0";

void write_file(const char* path, const uint8_t* bytes, size_t size) {
  fs::FileRef file;
  constexpr uint32_t flags = fs::O_WRONLY | fs::O_CREAT | fs::O_TRUNC;
  const fs::Caller kernel = fs::Caller::of(init_process());
  require(fs::open_file(kernel, fs::AT_FDCWD, path, flags, 0755, file) == 0, "the file cannot be made");
  require(fs::write_at(*file, bytes, size, 0) == static_cast<Sysret>(size), "the file cannot be written");
}

/// A right program for what names it as its interpreter.
void write_loader() {
  static bool done = false;
  if (done) return;
  done = true;
  hobbes::fuzz::Random random(1);
  hobbes::fuzz::ProgramShape shape;
  shape.fixed = false;
  const Bytes loader = hobbes::fuzz::make_program(shape, random);
  write_file(hobbes::fuzz::loader_path, loader.data(), loader.size());
}

void set_strings(ProgramStrings& strings) {
  constexpr size_t arguments_size = sizeof(arguments) - 1, environment_size = sizeof(environment) - 1;
  strings.size = arguments_size + environment_size;
  strings.bytes = static_cast<char*>(allocate(strings.size));
  require(strings.bytes != nullptr, "no memory");
  memcpy(strings.bytes, arguments, arguments_size);
  memcpy(strings.bytes + arguments_size, environment, environment_size);
  strings.argc = 2;
  strings.envc = 1;
}

uint64_t word_at(UserAddr address) {
  uint64_t word = 0;
  require(read_user(address, word), "the initial stack ends early");
  return word;
}

/// Steps over strings' addresses and the null behind them.
UserAddr skip_strings(UserAddr at) {
  for (; word_at(at) != 0; at += sizeof(uint64_t)) {
    char text[path_limit];
    require(read_user_path(word_at(at), text) == 0, "an argument is no string");
  }
  return at + sizeof(uint64_t);
}

/// The program's entry point, from the auxiliary vector.
UserAddr check_stack(UserAddr stack) {
  constexpr uint64_t AT_ENTRY = 9;
  require(stack % 16 == 0, "the stack is not aligned");
  require(word_at(stack) >= 2, "arguments are missing");
  UserAddr entry = 0;
  for (UserAddr at = skip_strings(skip_strings(stack + sizeof(uint64_t))); word_at(at) != 0; at += 2 * sizeof(uint64_t))
    if (word_at(at) == AT_ENTRY) entry = word_at(at + sizeof(uint64_t));
  return entry;
}

/// Whatever its protection.
Bytes memory_at(UserAddr address, uint64_t size) {
  Bytes memory;
  while (memory.size() < size) {
    uint64_t piece = 0;
    const void* bytes = port::current().process->space.direct(address, size - memory.size(), 0, piece);
    require(bytes != nullptr, "a segment is not in memory");
    hobbes::fuzz::append(memory, bytes, piece);
    address += piece;
  }
  return memory;
}

void check_segment(const ElfSegment& segment, UserAddr bias, const uint8_t* file, size_t size) {
  require(segment.offset <= size && segment.file_size <= size - segment.offset, "a truncated file was accepted");
  const uint64_t compared = min(segment.memory_size, most_compared);
  const Bytes memory = memory_at(bias + segment.address, compared);
  for (uint64_t i = 0; i < compared; ++i)
    require(memory[i] == (i < segment.file_size ? file[segment.offset + i] : 0), "a segment is not what the file holds");
}

void check_image(const uint8_t* file, size_t size, UserAddr entry) {
  ElfHeader header;
  require(size >= sizeof(header), "a file without a header was accepted");
  memcpy(&header, file, sizeof(header));
  for (uint16_t i = 0; i < header.program_count; ++i) {
    ElfSegment segment;
    memcpy(&segment, file + header.program_offset + i * sizeof(segment), sizeof(segment));
    if (segment.type == segment_load) check_segment(segment, entry - header.entry, file, size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  testing::start_kernel();
  testing::TestProcess process;
  write_loader();
  write_file(hobbes::fuzz::program_path, data, length);
  Thread& self = port::current();
  Registers registers;
  self.registers = &registers;
  process.process().thread_count = 1 + length % 2;  // the rewriter does more when there are others

  ProgramStrings strings;
  set_strings(strings);
  const char* why = nullptr;
  bool gone = false;
  const int error = execute(self, hobbes::fuzz::program_path, strings, plan, why, gone);
  require(error <= 0 && error > -4096, "the result is no errno");
  if (error != 0) return 0;
  const UserAddr entry = check_stack(registers.rsp);
  if (strcmp(process.process().executable, hobbes::fuzz::program_path) == 0) check_image(data, length, entry);
  hobbes::fuzz::check_rewriting(self);
  return 0;
}
