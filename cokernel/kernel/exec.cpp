// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/exec.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/elf.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/fs/random.hpp"
#include "cokernel/kernel/futex.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/signal_frame.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/xemem.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/vdso.hpp"

namespace hobbes::lwk {
namespace {

constexpr int script_depth = 4;
constexpr uint64_t script_line = 256;
/// Whole large pages fit below it.
UserAddr stack_end_of(const AddressSpace& space) { return space.end() - large_page_size; }

enum Auxiliary : uint64_t {
  AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_FLAGS = 8, AT_ENTRY = 9,
  AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17,
  AT_SECURE = 23, AT_RANDOM = 25, AT_HWCAP2 = 26, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33, AT_MINSIGSTKSZ = 51,
};

/// Puts "interpreter [argument] script" in front of the arguments in place of argv[0].
int prepend_script(ProgramStrings& strings, const char* interpreter, const char* argument, const char* script) {
  const uint64_t old_first = strings.argc > 0 ? strlen(strings.bytes) + 1 : 0;
  const uint64_t new_first = strlen(interpreter) + 1 + (*argument != '\0' ? strlen(argument) + 1 : 0) + strlen(script) + 1;
  const uint64_t size = strings.size - old_first + new_first;
  if (size > program_strings_limit) return -E2BIG;
  auto* bytes = static_cast<char*>(allocate(size));
  if (bytes == nullptr) return -ENOMEM;
  char* at = bytes;
  const char* parts[] = {interpreter, argument, script};
  for (const char* part : parts) {
    if (*part == '\0') continue;
    at += copy_string(at, part, strlen(part) + 1) + 1;
  }
  memcpy(at, strings.bytes + old_first, strings.size - old_first);
  release(strings.bytes);
  strings.argc += (strings.argc > 0 ? 0 : 1) + 1 + (*argument != '\0' ? 1 : 0);
  strings.bytes = bytes;
  strings.size = size;
  return 0;
}

/// "#!interpreter argument": 1 if the file is a script (path becomes the interpreter), 0 if not, -errno.
int follow_script(const ElfImage& image, char* path, ProgramStrings& strings, const char*& why) {
  char line[script_line + 1] = {};
  memcpy(line, image.head, min(image.head_size, script_line));
  if (line[0] != '#' || line[1] != '!') return 0;
  char* end = strchr(line, '\n');
  if (end == nullptr && image.head_size < script_line) end = line + image.head_size;  // a line that the file's end ends
  if (end == nullptr) {
    why = "its first line (#!) is too long";
    return -ENOEXEC;
  }
  *end = '\0';
  char* interpreter = line + 2;
  while (*interpreter == ' ' || *interpreter == '\t') ++interpreter;
  char* argument = interpreter;
  while (*argument != '\0' && *argument != ' ' && *argument != '\t') ++argument;
  if (*argument != '\0') *argument++ = '\0';
  while (*argument == ' ' || *argument == '\t') ++argument;
  for (char* last = argument + strlen(argument); last > argument && (last[-1] == ' ' || last[-1] == '\t');) *--last = '\0';
  if (*interpreter == '\0') {
    why = "its first line (#!) names no interpreter";
    return -ENOEXEC;
  }
  if (const int error = prepend_script(strings, interpreter, argument, path); error != 0) return error;
  copy_string(path, interpreter, path_limit);
  return 1;
}

int open_image(Process& process, char* path, ProgramStrings& strings, ElfImage& image, const char*& why) {
  for (int depth = 0; depth <= script_depth; ++depth) {
    if (const int error = fs::open_for_exec(process, path, image.file); error != 0) return error;
    if (const int error = read_head(image); error != 0) return error;
    const int script = follow_script(image, path, strings, why);
    if (script < 0) return script;
    if (script == 0) {
      copy_string(image.path, fs::path_of(*image.file), sizeof(image.path));
      return read_elf(image, why);
    }
  }
  return -ELOOP;
}

/// Writes the initial stack (System V AMD64 ABI, 3.4.1): strings, then auxiliary vector, environment and arguments.
class StackWriter {
 public:
  StackWriter(AddressSpace& space, UserAddr top, UserAddr bottom) : space_(space), at_(top), bottom_(bottom) {}

  UserAddr push(const void* data, uint64_t size) {
    at_ -= size;
    write(at_, data, size);
    return at_;
  }
  void align(uint64_t alignment, uint64_t words_to_come) {
    at_ = align_down(at_ - words_to_come * sizeof(uint64_t), alignment) + words_to_come * sizeof(uint64_t);
  }
  void push_word(uint64_t word) { push(&word, sizeof(word)); }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] UserAddr at() const { return at_; }

 private:
  void write(UserAddr address, const void* data, uint64_t size) {
    auto* from = static_cast<const char*>(data);
    while (size > 0) {
      uint64_t piece = 0;
      void* memory = address < bottom_ ? nullptr : space_.direct(address, size, 0, piece);
      if (memory == nullptr) {
        overflowed_ = true;
        return;
      }
      memcpy(memory, from, piece);
      address += piece;
      from += piece;
      size -= piece;
    }
  }

  AddressSpace& space_;
  UserAddr at_, bottom_;
  bool overflowed_ = false;
};

/// Before the images, which go wherever there is room. The stack's lowest address, or -errno.
Sysret map_stack(AddressSpace& space, const MemoryPlan& plan) {
  AddressSpace::Request request;
  request.size = align_up(plan.stack_size, plan.large_pages ? large_page_size : page_size);
  request.address = stack_end_of(space) - request.size;
  request.protection = port::prot_read | port::prot_write;
  request.fixed = true;
  request.kind = RegionKind::stack;
  request.name = "[stack]";
  return space.map(request);
}

/// Where the parts of a program came to lie that its stack tells of.
struct Placed {
  const ElfImage& image;
  const ElfImage* interpreter;  ///< null: there is none
  UserAddr vdso, stack_bottom;
};

int build_stack(Process& process, const ProgramStrings& strings, const Placed& placed, UserAddr& stack_pointer) {
  const ElfImage& image = placed.image;
  const ElfImage* interpreter = placed.interpreter;
  const UserAddr bottom = placed.stack_bottom;
  const UserAddr stack_end = stack_end_of(process.space);
  const uint64_t stack_size = stack_end - bottom;
  StackWriter stack(process.space, stack_end, bottom);
  stack.push_word(0);
  const UserAddr name = stack.push(image.path, strlen(image.path) + 1);
  const UserAddr texts = stack.push(strings.bytes, strings.size);
  const UserAddr platform = stack.push("x86_64", 7);
  uint8_t seed[16];
  fs::fill_random(seed, sizeof(seed));
  const UserAddr random = stack.push(seed, sizeof(seed));

  const Credentials& owner = process.credentials;  // no other thread is left that could change them
  const uint64_t auxiliary[][2] = {
      {AT_PHDR, image.program_headers()}, {AT_PHENT, sizeof(ElfSegment)}, {AT_PHNUM, image.header.program_count},
      {AT_PAGESZ, page_size}, {AT_BASE, interpreter != nullptr ? interpreter->bias : 0}, {AT_FLAGS, 0},
      {AT_ENTRY, image.entry()}, {AT_UID, owner.user.real}, {AT_EUID, owner.user.effective}, {AT_GID, owner.group.real},
      {AT_EGID, owner.group.effective}, {AT_PLATFORM, platform}, {AT_HWCAP, port::hwcap()}, {AT_CLKTCK, 100},
      {AT_SECURE, 0},
      {AT_RANDOM, random}, {AT_HWCAP2, 0}, {AT_EXECFN, name}, {AT_SYSINFO_EHDR, placed.vdso}, {AT_MINSIGSTKSZ, port::fpu_state_size() + 1024},
      {AT_NULL, 0}};
  constexpr uint64_t auxiliary_count = sizeof(auxiliary) / sizeof(auxiliary[0]);
  const uint64_t words = 1 + strings.argc + 1 + strings.envc + 1 + 2 * auxiliary_count;
  if (words * sizeof(uint64_t) + strings.size + page_size > stack_size) return -E2BIG;
  stack.align(16, words);
  process.auxiliary_end = stack.at();
  for (uint64_t i = auxiliary_count; i > 0; --i) {
    stack.push_word(auxiliary[i - 1][1]);
    stack.push_word(auxiliary[i - 1][0]);
  }
  process.auxiliary_start = stack.at();
  // Pointers go down in memory, strings up: find each one's start first.
  const uint32_t total = strings.argc + strings.envc;
  Buffer offsets(max<uint64_t>(total, 1) * sizeof(uint64_t));
  if (!offsets) return -ENOMEM;
  auto* starts = reinterpret_cast<uint64_t*>(offsets.data());
  uint64_t offset = 0;
  for (uint32_t i = 0; i < total; ++i) {
    starts[i] = texts + offset;
    offset += strlen(strings.bytes + offset) + 1;
  }
  stack.push_word(0);
  for (uint32_t i = total; i > strings.argc; --i) stack.push_word(starts[i - 1]);
  stack.push_word(0);
  for (uint32_t i = strings.argc; i > 0; --i) stack.push_word(starts[i - 1]);
  stack.push_word(strings.argc);
  if (stack.overflowed()) return -E2BIG;

  process.arguments_start = texts;
  process.arguments_end = strings.envc > 0 ? (total > strings.argc ? starts[strings.argc] : texts) : texts + strings.size;
  process.environment_start = process.arguments_end;
  process.environment_end = texts + strings.size;
  stack_pointer = stack.at();
  return 0;
}

void reset_signals(Thread& self) {
  Guard guard(process_lock());
  forget_posix_timers(*self.process);
  self.process->exit_signal = SIGCHLD;
  for (SignalAction& action : self.process->actions)
    if (action.handler != sig_ignore) action = SignalAction{};
  self.alternate_stack = {0, ss_disable, 0, 0};
  self.clear_on_exit = 0;
  self.robust_list = 0;
}

void name_process(Process& process, const char* path) {
  Guard guard(process_lock());
  copy_string(process.executable, path, sizeof(process.executable));
  const char* slash = strrchr(path, '/');
  copy_string(process.command, slash != nullptr ? slash + 1 : path, sizeof(process.command));
}

}  // namespace

ProgramStrings::~ProgramStrings() { release(bytes); }

int execute(Thread& self, const char* path, ProgramStrings& strings, const MemoryPlan& plan, const char*& why,
            bool& gone) {
  Process& process = *self.process;
  gone = false;
  Owned<ElfImage> image(new (nothrow) ElfImage);
  Owned<ElfImage> interpreter(new (nothrow) ElfImage);
  Buffer name(path_limit);
  if (!image || !interpreter || !name) return -ENOMEM;
  copy_string(name.data(), path, path_limit);
  if (const int error = open_image(process, name.data(), strings, *image, why); error != 0) return error;
  const bool dynamic = image->interpreter[0] != '\0';
  if (dynamic) {
    if (const int error = fs::open_for_exec(process, image->interpreter, interpreter->file); error != 0) {
      why = "its dynamic loader (PT_INTERP) cannot be opened";
      return error;
    }
    copy_string(interpreter->path, image->interpreter, sizeof(interpreter->path));
    if (const int error = read_head(*interpreter); error != 0) return error;
    if (const int error = read_elf(*interpreter, why); error != 0) return error;
  }
  if (!leave_other_threads(self)) return -EAGAIN;

  gone = true;
  release_robust_futexes(self);
  if (process.smartmap_rank != nullptr) process.app->smartmap->leave(process);
  remove_segments_of(process);
  process.space.clear(true);
  Smartmap* const smartmap = process.is_rank ? process.app->smartmap : nullptr;
  process.space.confine(smartmap != nullptr ? smartmap_slot : port::user_end);
  process.space.set_limits(process.limits.at[limit_space].soft, plan.heap_size);
  return_loan(process);
  process.stubs.forget();
  process.image = image->file;
  const Sysret bottom = map_stack(process.space, plan);
  if (bottom < 0) {
    why = "its stack does not fit into the enclave's free memory";
    return static_cast<int>(bottom);
  }
  if (const int error = map_elf(*image, process.space); error != 0) return error;
  if (dynamic)
    if (const int error = map_elf(*interpreter, process.space); error != 0) return error;
  const Sysret vdso = map_vdso(process.space);
  if (vdso < 0) return static_cast<int>(vdso);
  UserAddr stack_pointer = 0;
  const Placed placed{*image, dynamic ? interpreter.get() : nullptr, static_cast<UserAddr>(vdso),
                      static_cast<UserAddr>(bottom)};
  if (const int error = build_stack(process, strings, placed, stack_pointer); error != 0) return error;
  if (const Sysret started = process.space.start_heap(image->bias + image->high, plan); started < 0) {
    why = "its heap does not fit into the enclave's free memory";
    return static_cast<int>(started);
  }
  if (smartmap != nullptr)
    if (const int error = smartmap->join(process); error != 0) return error;
  name_process(process, image->path);
  if (process.files != nullptr) {
    process.files->close_on_exec();
    process.files->set_limit(process.limits.at[limit_files].soft);
  }
  reset_signals(self);

  Registers& registers = *self.registers;
  memset(&registers, 0, sizeof(registers));
  registers.rip = dynamic ? interpreter->entry() : image->entry();
  registers.rsp = stack_pointer;
  registers.rflags = 0x202;
  registers.cs = 0x33;
  registers.ss = 0x2b;
  registers.number = no_call;
  port::set_user_tls(0);
  port::reset_fpu();
  return 0;
}

}  // namespace hobbes::lwk
