// SPDX-License-Identifier: Apache-2.0
#include "leviathan/protocol/messages.hpp"
#include "leviathan/protocol/device_messages.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "cmdqueue/message.hpp"

using namespace hobbes;
using namespace hobbes::protocol;

namespace {

LaunchApp launch_example() {
  LaunchApp message;
  message.enclave = "kitten";
  message.path = "/bin/busybox";
  message.args = {"busybox", "echo", "a b", ""};
  message.env = {"PATH=/bin", "EMPTY="};
  message.app_name = "echo-1";
  message.cwd = "/tmp";
  message.umask = 077;
  message.ranks = 4;
  message.cpu_list = "0-3";
  message.heap_size = gib(3);
  message.stack_size = kib(256);
  message.smartmap = true;
  message.hpmmap = true;
  message.rewrite = false;
  message.stdio_token = 0x0123456789abcdef;
  return message;
}

template <typename T>
void round_trip(const T& message) {
  const auto decoded = decode<T>(encode(message));
  REQUIRE(decoded);
  CHECK(*decoded == message);
}

std::string hex(const Payload& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

template <typename T>
void decode_any(ByteView bytes) {
  const auto decoded = decode<T>(bytes);
  if (!decoded) CHECK(decoded.error().code() == Code::invalid);
}

/// Every message there is: none may read past its bytes (the sanitizers watch) or fail in another way.
void decode_as_everything(ByteView bytes) {
  decode_any<CreateEnclave>(bytes);
  decode_any<EnclaveName>(bytes);
  decode_any<Text>(bytes);
  decode_any<PingEnclave>(bytes);
  decode_any<ChangeMemory>(bytes);
  decode_any<ChangeCpus>(bytes);
  decode_any<AssignDevice>(bytes);
  decode_any<RemoveDevice>(bytes);
  decode_any<LaunchApp>(bytes);
  decode_any<AppRef>(bytes);
  decode_any<AppEnd>(bytes);
  decode_any<KillApp>(bytes);
  decode_any<CountCalls>(bytes);
  decode_any<SystemCalls>(bytes);
  decode_any<PmiWrite>(bytes);
  decode_any<PmiEndJob>(bytes);
  decode_any<FileOpen>(bytes);
  decode_any<FileOpened>(bytes);
  decode_any<FileRead>(bytes);
  decode_any<FileWrite>(bytes);
  decode_any<FileRef>(bytes);
  decode_any<FileStatus>(bytes);
  decode_any<ConsoleRef>(bytes);
  decode_any<ConsoleData>(bytes);
  decode_any<ConsoleEnded>(bytes);
}

}  // namespace

TEST_CASE("messages come back as they were sent", "[protocol]") {
  round_trip(CreateEnclave{.xml = "<pisces/>", .file = "a.xml", .enclave_name = {}});
  round_trip(EnclaveName{.enclave = "kitten"});
  round_trip(Text{.text = std::string("with\0nul", 8)});
  round_trip(ChangeMemory{.enclave = "kitten", .size = gib(5), .numa = NumaId(-1), .contiguous = true});
  round_trip(ChangeCpus{.enclave = "kitten", .cpus = {CpuId(3), CpuId(70000)}, .count = 2, .numa = NumaId(1)});
  round_trip(AssignDevice{.enclave = "kitten", .device = "nic0", .address = "0000:00:12.0"});
  round_trip(RemoveDevice{.enclave = "kitten", .device = "nic0"});
  round_trip(launch_example());
  round_trip(AppRef{.app = AppId(UINT64_MAX)});
  round_trip(AppEnd{.exit_code = 3, .signal = 11, .reason = "rank 1 aborted the job"});
  round_trip(PmiWrite{.app = AppId(7), .ranks = 2, .generation = 3, .space = "job_7", .values = {{"a", "1"}, {"b", ""}}});
  round_trip(PmiEndJob{.app = AppId(7), .why = "rank 1 aborted the job"});
  round_trip(KillApp{.app = AppId(7), .signal = 15});
  round_trip(CountCalls{.enclave = "kitten", .app = std::nullopt});
  round_trip(CountCalls{.enclave = {}, .app = AppId(3)});
  round_trip(SystemCalls{.calls = {{.number = 39, .calls = 5, .errors = 1, .host = 2, .samples = 1,
                                    .time = std::chrono::nanoseconds(30)},
                                   {.number = 600, .implemented = false, .calls = 1, .errors = 1}},
                         .trapped = 1, .sites_rewritten = 2, .sites_trapped = 3, .host_calls = 4, .linux_calls = 5,
                         .usage = {.processes = 1, .minor_faults = 2, .major_faults = 3, .voluntary_switches = 4,
                                   .involuntary_switches = 5}});
  round_trip(FileOpen{.enclave = "kitten", .path = "/tmp/x", .flags = 01101, .mode = 0644, .set_mode = true});
  round_trip(FileOpened{.handle = 12, .host_path = "/etc/hosts", .host_root = "/srv"});
  round_trip(FileRead{.handle = 1, .offset = 1ULL << 40, .length = 65536});
  round_trip(FileRef{.handle = 9});
  round_trip(FileStatus{.size = 5, .mtime_ns = 6, .mode = 0100644, .host_path = {}, .host_root = {}});
  round_trip(ConsoleRef{.console = 3});
  round_trip(ConsoleEnded{.console = 3, .reason = "crashed"});
}

TEST_CASE("bulk data is the rest of its message and is not copied", "[protocol]") {
  const std::string data = "some bytes";
  const Payload bytes = encode(FileWrite{.handle = 1, .offset = 2, .data = cmdqueue::payload_of(data)});
  CHECK(bytes.size() == 16 + data.size());
  const auto decoded = decode<FileWrite>(bytes);
  REQUIRE(decoded);
  CHECK(cmdqueue::text_of(decoded->data) == data);
  CHECK(decoded->data.data() == bytes.data() + 16);
}

TEST_CASE("the bytes of a message are fixed", "[protocol]") {
  CHECK(hex(encode(KillApp{.app = AppId(0x0102), .signal = 9})) == "0201000000000000" "09000000");
  CHECK(hex(encode(ChangeMemory{.enclave = "k", .size = Bytes(1), .numa = NumaId(-1), .contiguous = true})) ==
        "01000000" "6b" "0100000000000000" "ffffffff" "01");
  CHECK(hex(encode(ChangeCpus{.enclave = "", .cpus = {CpuId(2)}, .count = 1, .numa = NumaId(0)})) ==
        "00000000" "01000000" "02000000" "0100000000000000" "00000000");
}

TEST_CASE("a message that is cut off anywhere is refused and names the field", "[protocol]") {
  const Payload whole = encode(launch_example());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = decode<LaunchApp>(ByteView(whole).first(size));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == Code::invalid);
  }
  CHECK(decode<LaunchApp>(ByteView(whole).first(2)).error().text() ==
        "launch_app: field 'enclave' is cut off or wrong");
}

TEST_CASE("bytes behind a message are refused", "[protocol]") {
  Payload bytes = encode(AppRef{.app = AppId(1)});
  bytes.push_back(std::byte{0});
  CHECK(decode<AppRef>(bytes).error().text() == "application id: the message is longer than its fields");
}

TEST_CASE("a count that no message could hold is refused before anything is allocated", "[protocol]") {
  Payload bytes(64, std::byte{0xff});
  CHECK_FALSE(decode<EnclaveName>(bytes));
  CHECK_FALSE(decode<ChangeCpus>(bytes));
}

TEST_CASE("a bool is 0 or 1", "[protocol]") {
  Payload bytes = encode(ChangeMemory{.enclave = "k", .size = mib(1)});
  bytes.back() = std::byte{2};
  CHECK(decode<ChangeMemory>(bytes).error().text() == "assign_memory: field 'contiguous' is cut off or wrong");
}

TEST_CASE("whatever bytes come, decoding them only succeeds or refuses", "[protocol]") {
  std::mt19937 random(20240607);  // the same bytes in every run
  const Payload seed = encode(launch_example());
  for (int round = 0; round < 2000; ++round) {
    Payload bytes = seed;
    bytes.resize(random() % (seed.size() + 1));
    for (unsigned change = random() % 8; change > 0 && !bytes.empty(); --change) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    decode_as_everything(bytes);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    decode_as_everything(bytes);
  }
}
