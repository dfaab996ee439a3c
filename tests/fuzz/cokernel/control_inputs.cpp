// SPDX-License-Identifier: Apache-2.0
// Inputs of the control task's bounded run: commands with payloads of the right form, some then spoilt.
#include <array>
#include <string_view>

#include "tests/fuzz/cokernel/control_codes.hpp"
#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::array<std::string_view, 10> paths = {"/enclave/a",    "/enclave/b", "/dev/null",   "/dev/zero",
                                                    "/proc/meminfo", "/proc/self", "/etc/passwd", "/enclave",
                                                    "enclave/a",     "/dev/shm/c"};
constexpr std::array<std::uint32_t, 8> open_flags = {0, 1, 2, 0102, 01102, 02101, 0200000, 0301};  // Linux's O_*

void add_string(Bytes& to, std::string_view text) {
  append(to, text.data(), text.size());
  to.push_back(0);
}

std::string_view any_path(Random& random) { return paths[random.below(paths.size())]; }

Bytes launch(Random& random) {
  Bytes strings;
  for (int i = 0; i < 2; ++i) add_string(strings, any_path(random));
  add_string(strings, "/enclave");
  hobbes_app_launch request{};
  request.app_id = random.below(4);
  request.ranks = static_cast<std::uint32_t>(random.one_in(4) ? random.value() : 1);
  request.job_ranks = random.one_in(4) ? static_cast<std::uint32_t>(random.value()) : request.ranks;
  request.argc = static_cast<std::uint32_t>(random.one_in(8) ? random.value() : random.below(4));
  request.envc = static_cast<std::uint32_t>(random.one_in(8) ? random.value() : random.below(4));
  if (random.one_in(4)) request.stack_size = random.value();
  if (random.one_in(4)) request.heap_size = random.value();
  for (std::uint64_t i = random.below(8); i > 0; --i) add_string(strings, "A=1");
  request.strings_size = static_cast<std::uint32_t>(strings.size());
  Bytes payload;
  append(payload, request);
  payload.insert(payload.end(), strings.begin(), strings.end());
  return payload;
}

Bytes payload_of(std::uint32_t code, Random& random) {
  Bytes payload;
  switch (code) {
    case HOBBES_CMD_APP_LAUNCH: return launch(random);
    case HOBBES_CMD_FILE_OPEN: {
      hobbes_file_open request{};
      request.flags = open_flags[random.below(open_flags.size())];
      request.mode = static_cast<std::uint32_t>(random.below(01000));
      append(payload, request);
      add_string(payload, any_path(random));
      break;
    }
    case HOBBES_CMD_FILE_STAT: add_string(payload, any_path(random)); break;
    case HOBBES_CMD_FILE_READ:
    case HOBBES_CMD_FILE_WRITE: {
      const std::uint64_t length = random.below(5000);
      const std::uint64_t offset = random.one_in(2) ? HOBBES_FILE_AT_POSITION : random.value();
      append(payload, hobbes_file_io{random.below(8), offset, length});
      if (code == HOBBES_CMD_FILE_WRITE) payload.resize(payload.size() + length, 'w');
      break;
    }
    default:
      for (int i = 0; i < 4; ++i) append(payload, random.one_in(2) ? random.below(4) : random.value());
      break;
  }
  return payload;
}

}  // namespace

const int bounded_inputs = 4'000;

Bytes next_input(Random& random) {
  Bytes input;
  for (std::uint64_t i = 1 + random.below(10); i > 0; --i) {
    const auto number = static_cast<std::uint8_t>(random.below(control_code_count));
    Bytes payload = payload_of(control_code(number), random);
    if (random.one_in(3)) mutate(payload, random);
    append(input, number);
    append(input, static_cast<std::uint8_t>(random.one_in(16) ? 1 : 0));
    append(input, static_cast<std::uint16_t>(payload.size()));
    input.insert(input.end(), payload.begin(), payload.end());
  }
  if (random.one_in(8)) mutate(input, random);
  return input;
}

}  // namespace hobbes::fuzz
