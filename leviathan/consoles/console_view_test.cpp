// SPDX-License-Identifier: Apache-2.0
#include "leviathan/consoles/console_view.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>

using namespace hobbes::leviathan::consoles;

namespace {

/// A console and the co-kernel's side of it.
struct Console {
  void print(std::string_view text) {
    for (const char c : text) memory->output[memory->written++ % HOBBES_CONSOLE_OUTPUT] = static_cast<unsigned char>(c);
  }
  std::string read(std::uint64_t& position) {
    const auto bytes = view.read(position);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::size_t type(std::string_view keys) { return view.type(std::as_bytes(std::span(keys))); }
  std::string take(std::size_t count) {
    std::string keys;
    while (keys.size() < count) keys += static_cast<char>(memory->input[memory->taken++ % HOBBES_CONSOLE_INPUT]);
    return keys;
  }
  std::unique_ptr<hobbes_console> memory = std::make_unique<hobbes_console>();
  ConsoleView view{reinterpret_cast<std::byte*>(memory.get())};
};

}  // namespace

TEST_CASE("each reader sees all output from where he stands", "[consoles]") {
  Console console;
  std::uint64_t early = console.view.oldest();
  console.print("boot\n");
  CHECK(console.read(early) == "boot\n");
  std::uint64_t late = console.view.oldest();
  console.print("more\n");
  CHECK(console.read(early) == "more\n");
  CHECK(console.read(late) == "boot\nmore\n");
  CHECK(console.read(late).empty());
}

TEST_CASE("a reader who falls behind loses the oldest output only", "[consoles]") {
  Console console;
  std::uint64_t position = 0;
  console.print("lost");
  console.print(std::string(HOBBES_CONSOLE_OUTPUT - 3, '.') + "end");
  CHECK(console.view.oldest() == 4);
  const std::string seen = console.read(position);
  CHECK(seen.size() == HOBBES_CONSOLE_OUTPUT);
  CHECK(seen == std::string(HOBBES_CONSOLE_OUTPUT - 3, '.') + "end");
}

TEST_CASE("an enclave that garbles its counters garbles its console alone", "[consoles]") {
  Console console;
  std::uint64_t position = 0;
  console.memory->written = UINT64_MAX - 1;
  CHECK(console.read(position).size() == HOBBES_CONSOLE_OUTPUT);
  console.memory->written = 10;  // turned back
  CHECK(console.read(position).size() == 10);
  console.memory->taken = UINT64_MAX / 2;
  CHECK(console.type("x") == 0);
}

TEST_CASE("keys go in as far as there is room", "[consoles]") {
  Console console;
  CHECK(console.type("ls\n") == 3);
  CHECK(console.memory->typed_bell == 1);
  CHECK(console.type(std::string(HOBBES_CONSOLE_INPUT, 'k')) == HOBBES_CONSOLE_INPUT - 3);
  CHECK(console.type("x") == 0);
  CHECK(console.take(3) == "ls\n");
  CHECK(console.type("xyz!") == 3);
}
