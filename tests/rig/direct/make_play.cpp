// SPDX-License-Identifier: Apache-2.0
// Makes what QEMU places in memory for the loader: the boot block, and the play, from a script of a step a line
// (README.md).
//
//     make-play <kernel> <script> <boot block file> <play file> [NAME=VALUE...]
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernel-bridge/abi/queue.h"
#include "kernel-bridge/abi/x86_64.h"
#include "kernel-bridge/boot/boot_block.hpp"
#include "tests/rig/direct/play.hpp"

namespace hobbes::direct {
namespace {

using Bytes = std::vector<char>;
using Words = std::vector<std::string>;

constexpr std::uint64_t write_piece = 128 << 10;

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path + ": cannot be read");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::string& path, const void* bytes, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size)))
    refuse(path + ": cannot be written");
}

template <typename T>
Bytes bytes_of(const T& value) {
  const char* const start = reinterpret_cast<const char*>(&value);
  return Bytes(start, start + sizeof value);
}

void append(Bytes& to, const std::string& text) { to.insert(to.end(), text.c_str(), text.c_str() + text.size() + 1); }

/// Words of a line; '...' is one, and $NAME stands for its value.
Words split(const std::string& line, const std::map<std::string, std::string>& names) {
  Words words;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : line + " ") {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (quoted) refuse("a quote is not closed: " + line);
  for (std::string& each : words)
    for (const auto& [name, value] : names)
      if (const auto at = each.find("$" + name); at != std::string::npos) each.replace(at, name.size() + 1, value);
  return words;
}

std::int32_t status_named(const std::string& name) {
  static const std::map<std::string, std::int32_t> names = {
      {"INVALID", HOBBES_STATUS_INVALID},   {"NOT_FOUND", HOBBES_STATUS_NOT_FOUND}, {"EXISTS", HOBBES_STATUS_EXISTS},
      {"BUSY", HOBBES_STATUS_BUSY},         {"TIMEOUT", HOBBES_STATUS_TIMEOUT},
      {"UNSUPPORTED", HOBBES_STATUS_UNSUPPORTED}};
  const auto found = names.find(name);
  if (found == names.end()) refuse("unknown status " + name);
  return found->second;
}

class Play {
 public:
  void add_line(const std::string& line, Words words) {
    line_ = line;
    status_ = 0;
    if (words[0][0] == '!') {
      status_ = status_named(words[0].substr(1));
      words.erase(words.begin());
    }
    const std::string verb = words[0];
    words.erase(words.begin());
    if (verb == "ping") step(StepKind::command, HOBBES_CMD_PING, Bytes(1, 'x'));
    else if (verb == "command") step(StepKind::command, number(words, 0), {});
    else if (verb == "file") file(word(words, 0), word(words, 1), word(words, 2));
    else if (verb == "run") run(words);
    else if (verb == "start") launch(words);
    else if (verb == "ends") end_of_app(word(words, 0));
    else if (verb == "kill") kill(number(words, 0));
    else if (verb == "add-cpu") cpu(HOBBES_CMD_ADD_CPU, number(words, 0));
    else if (verb == "remove-cpu") cpu(HOBBES_CMD_REMOVE_CPU, number(words, 0));
    else if (verb == "start-cpu") step(StepKind::start_cpu, number(words, 0), {});
    else if (verb == "stop-cpu") step(StepKind::stop_cpu, number(words, 0), {});
    else if (verb == "add-memory") memory(HOBBES_CMD_ADD_MEM);
    else if (verb == "remove-memory") memory(HOBBES_CMD_REMOVE_MEM);
    else if (verb == "shutdown") step(StepKind::command, HOBBES_CMD_SHUTDOWN, {});
    else if (verb == "break-queue") step(StepKind::break_queue, 0, {});
    else if (verb == "break-code") break_code(word(words, 0));
    else if (verb == "crashes") crashes(word(words, 0));
    else refuse("unknown step: " + line);
  }
  const Bytes& finish() {
    line_.clear();
    step(StepKind::end, 0, {});
    return bytes_;
  }

 private:
  static const std::string& word(const Words& words, std::size_t index) {
    if (index >= words.size()) refuse("a step lacks a word");
    return words[index];
  }
  static std::uint32_t number(const Words& words, std::size_t index) {
    return static_cast<std::uint32_t>(std::stoul(word(words, index)));
  }

  void step(StepKind kind, std::uint32_t code, const Bytes& payload) {
    Step step{play_magic, kind, code, status_, app_, payload.size(), {}};
    std::strncpy(step.text, line_.c_str(), sizeof step.text - 1);
    line_.clear();  // it is said once
    const Bytes head = bytes_of(step);
    bytes_.insert(bytes_.end(), head.begin(), head.end());
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
  }

  void file(const std::string& from, const std::string& to, const std::string& mode) {
    constexpr std::uint32_t write_create_truncate = 01 | 0100 | 01000;
    const Bytes content = read_file(from);
    const auto bits = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8));
    Bytes open = bytes_of(hobbes_file_open{write_create_truncate, bits, 0, 0, HOBBES_FILE_SET_MODE, 0});
    append(open, to);
    step(StepKind::command, HOBBES_CMD_FILE_OPEN, open);
    for (std::size_t at = 0; at < content.size(); at += write_piece) {
      const std::size_t size = std::min<std::size_t>(write_piece, content.size() - at);
      Bytes write = bytes_of(hobbes_file_io{0, HOBBES_FILE_AT_POSITION, size});
      write.insert(write.end(), content.begin() + static_cast<std::ptrdiff_t>(at),
                   content.begin() + static_cast<std::ptrdiff_t>(at + size));
      step(StepKind::handle, HOBBES_CMD_FILE_WRITE, write);
    }
    step(StepKind::handle, HOBBES_CMD_FILE_CLOSE, bytes_of(hobbes_file_ref{0}));
  }

  void launch(const Words& program) {
    ++app_;
    hobbes_app_launch launch{};
    launch.app_id = app_;
    launch.ranks = launch.job_ranks = 1;
    launch.argc = static_cast<std::uint32_t>(program.size());
    launch.envc = 2;
    Bytes strings;
    append(strings, word(program, 0));
    append(strings, "test");
    append(strings, "/enclave");
    for (const std::string& argument : program) append(strings, argument);
    append(strings, "PATH=/enclave");
    append(strings, "TMPDIR=/enclave");
    launch.strings_size = static_cast<std::uint32_t>(strings.size());
    Bytes payload = bytes_of(launch);
    payload.insert(payload.end(), strings.begin(), strings.end());
    step(StepKind::launch, 0, payload);
  }

  /// `result`: an exit status, or -signal.
  void end_of_app(const std::string& result) {
    status_ = std::stoi(result);
    step(StepKind::ended, 0, {});
    status_ = 0;
    step(StepKind::reap, 0, {});
  }

  void run(Words program) {
    const std::string result = word(program, 0);
    program.erase(program.begin());
    launch(program);
    end_of_app(result);
  }

  void kill(std::uint32_t signal) {
    step(StepKind::command, HOBBES_CMD_APP_KILL, bytes_of(hobbes_app_kill{app_, static_cast<std::int32_t>(signal), 0}));
  }

  void cpu(std::uint32_t code, std::uint32_t apic_id) {
    step(StepKind::command, code, bytes_of(hobbes_cpu_command{apic_id, apic_id, -1, 0}));
  }

  void memory(std::uint32_t code) {
    step(StepKind::command, code, bytes_of(hobbes_memory_command{second_block, block_size, -1, 0}));
  }

  void break_code(const std::string& address) {
    const std::uint64_t app = std::exchange(app_, std::stoul(address, nullptr, 16) - HOBBES_X86_KERNEL_BASE);
    step(StepKind::break_code, 0, {});
    app_ = app;
  }

  void crashes(const std::string& text) { step(StepKind::crashed, 0, Bytes(text.begin(), text.end())); }

  Bytes bytes_;
  std::string line_;
  std::int32_t status_ = 0;
  std::uint64_t app_ = 0;
};

void write_boot(const std::string& kernel_file, const std::string& to, std::uint32_t cpu_count,
                const std::string& options) {
  auto kernel = bridge::KernelImage::open(kernel_file, HOBBES_X86_KERNEL_BASE);
  if (!kernel) refuse(kernel.error().text());
  std::vector<bridge::Cpu> cpus;
  for (std::uint32_t i = 0; i < cpu_count; ++i) cpus.push_back({CpuId(boot_apic_id + i), boot_apic_id + i, {}});
  const std::array regions = {hobbes_boot_region{boot_block, block_size, -1, -1}};
  bridge::BootBlockSpec spec{EnclaveId(1), "direct", options, cpus, regions, -1, -1, -1, 0, bridge::sample_clocks()};
  spec.now.tsc = 0;  // QEMU's counter starts when the machine does
  struct alignas(4096) Page {
    std::byte bytes[4096];
  };
  std::vector<Page> pages((HOBBES_BOOT_KERNEL_OFFSET + HOBBES_BOOT_KERNEL_LIMIT) / sizeof(Page));
  const std::span block(pages[0].bytes, pages.size() * sizeof(Page));
  if (const auto written = bridge::write_boot_block(block, spec, kernel.value(), {}); !written)
    refuse(written.error().text());
  write_file(to, block.data(), block.size());
}

void make(const Words& arguments) {
  if (arguments.size() < 4) refuse("make-play <kernel> <script> <boot block file> <play file> [NAME=VALUE...]");
  std::map<std::string, std::string> names;
  for (std::size_t i = 4; i < arguments.size(); ++i) {
    const auto equals = arguments[i].find('=');
    if (equals == std::string::npos) refuse(arguments[i] + ": not NAME=VALUE");
    names[arguments[i].substr(0, equals)] = arguments[i].substr(equals + 1);
  }
  std::ifstream script(arguments[1]);
  if (!script) refuse(arguments[1] + ": cannot be read");
  Play play;
  std::uint32_t cpus = 1;
  std::string options;
  for (std::string line; std::getline(script, line);) {
    if (line.starts_with('#')) continue;
    const Words words = split(line, names);
    if (words.empty()) continue;
    if (words[0] == "cpus") cpus = static_cast<std::uint32_t>(std::stoul(words.at(1)));
    else if (words[0] == "options") options = words.at(1);
    else play.add_line(line, words);
  }
  const Bytes& bytes = play.finish();
  write_boot(arguments[0], arguments[2], cpus, options);
  write_file(arguments[3], bytes.data(), bytes.size());
}

}  // namespace
}  // namespace hobbes::direct

int main(int argc, char** argv) {
  try {
    hobbes::direct::make({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "make-play: " << error.what() << "\n";
    return 1;
  }
}
