// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/host_file.hpp"

#include "cokernel/kernel/fs/testing/fake_proxy.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hobbes::lwk::fs {
namespace {

using testing::FakeProxy;
using testing::TestProcess;

/// A host with one file, as descriptor 7: what the calls of a proxy would do to it.
class FakeHost {
 public:
  explicit FakeHost(uint32_t type = S_IFREG)
      : type_(type), proxy_([this](hobbes_hio_slot& slot) { return serve(slot); }) {}

  std::string contents;
  uint64_t position = 0;
  uint64_t at_most = ~0ull;  ///< of one transfer
  bool blocks = false;       ///< a read waits until it is cancelled
  int64_t open_result = 7;
  std::string last_path;
  int64_t last_flags = 0;
  std::atomic<int> transfers{0}, pieces{0}, closes{0}, calls_in_slot{0};

  hobbes_hio_channel& channel() { return proxy_.channel(); }
  FakeProxy& proxy() { return proxy_; }

 private:
  int64_t serve(hobbes_hio_slot& slot) {
    switch (slot.nr) {
      case host_openat:
        last_path = reinterpret_cast<const char*>(slot.args[1]);
        last_flags = slot.args[2];
        return open_result;
      case host_close: ++closes; return 0;
      case host_fstat: {
        LinuxStat stat{};
        stat.mode = type_ | 0644;
        stat.size = static_cast<int64_t>(contents.size());
        std::memcpy(reinterpret_cast<void*>(slot.args[1]), &stat, sizeof(stat));
        return 0;
      }
      case host_read:
        if (blocks) return proxy_.wait_for_cancel(slot);
        return transfer(slot, {argument_of(slot)}, false, position, true);
      case host_write: return transfer(slot, {argument_of(slot)}, true, position, true);
      case host_pread64: return transfer(slot, {argument_of(slot)}, false, offset_of(slot), false);
      case host_pwrite64: return transfer(slot, {argument_of(slot)}, true, offset_of(slot), false);
      case host_readv: return transfer(slot, vector_of(slot), false, position, true);
      case host_writev: return transfer(slot, vector_of(slot), true, position, true);
      case host_preadv: return transfer(slot, vector_of(slot), false, offset_of(slot), false);
      case host_pwritev: return transfer(slot, vector_of(slot), true, offset_of(slot), false);
      default: return -ENOSYS;
    }
  }

  static hobbes_hio_iov argument_of(const hobbes_hio_slot& slot) {
    return {static_cast<uint64_t>(slot.args[1]), static_cast<uint64_t>(slot.args[2])};
  }
  static std::vector<hobbes_hio_iov> vector_of(const hobbes_hio_slot& slot) {
    const auto* first = reinterpret_cast<const hobbes_hio_iov*>(slot.args[1]);
    return {first, first + slot.args[2]};
  }
  static uint64_t offset_of(const hobbes_hio_slot& slot) { return static_cast<uint64_t>(slot.args[3]); }

  int64_t transfer(hobbes_hio_slot& slot, const std::vector<hobbes_hio_iov>& vector, bool writes, uint64_t at,
                   bool moves) {
    ++transfers;
    uint64_t done = 0;
    for (const hobbes_hio_iov& iov : vector) {
      auto* memory = reinterpret_cast<char*>(iov.base);
      ++pieces;
      if (iov.base == reinterpret_cast<uint64_t>(slot.data)) ++calls_in_slot;
      uint64_t size = std::min(iov.length, at_most - done);
      if (writes) {
        if (contents.size() < at + size) contents.resize(at + size);
        std::memcpy(contents.data() + at, memory, size);
      } else {
        size = at < contents.size() ? std::min<uint64_t>(size, contents.size() - at) : 0;
        std::memcpy(memory, contents.data() + at, size);
      }
      at += size;
      done += size;
    }
    if (moves) position = at;
    return static_cast<int64_t>(done);
  }

  uint32_t type_;
  FakeProxy proxy_;
};

Sysret open_it(TestProcess& process) { return process.call(sys_open, process.text("/data/file"), O_RDWR, 0); }

TEST_CASE("a host path goes to the proxy absolute and normalised", "[host]") {
  FakeHost host;
  TestProcess process(&host.channel());
  std::strcpy(process.process().cwd, "/home/me");
  CHECK(process.call(sys_open, process.text("../you/./file"), O_RDONLY, 0) == 3);
  CHECK(host.last_path == "/home/you/file");
  CHECK(process.call(sys_close, 3) == 0);
  CHECK(host.closes == 1);
  host.open_result = -EACCES;
  CHECK(process.call(sys_open, process.text("/secret/"), O_RDONLY, 0) == -EACCES);
  CHECK((host.last_flags & O_DIRECTORY) != 0);
}

TEST_CASE("the launcher's descriptors stay open in the proxy", "[host]") {
  FakeHost host;
  {
    TestProcess process(&host.channel());
    CHECK(process.call(sys_close, 0) == 0);
  }
  CHECK(host.closes == 0);
}

TEST_CASE("data go straight to and from the application's memory", "[host]") {
  constexpr uint64_t size = 1 << 20;
  FakeHost host;
  TestProcess process(&host.channel());
  const Sysret fd = open_it(process);
  const std::vector<char> bytes(size, 'z');
  CHECK(process.call(sys_write, fd, process.put(bytes.data(), size), size) == static_cast<Sysret>(size));
  CHECK(host.contents == std::string(size, 'z'));
  const UserAddr to = process.room(size);
  CHECK(process.call(sys_pread64, fd, to, size, 0) == static_cast<Sysret>(size));
  CHECK(process.get<char>(to + size - 1) == 'z');
  CHECK(host.transfers == 2);
  CHECK(host.calls_in_slot == 0);
}

TEST_CASE("a transfer of more pieces than a slot names takes several calls", "[host]") {
  constexpr uint64_t count = 200, piece = 10;
  FakeHost host;
  TestProcess process(&host.channel());
  const Sysret fd = open_it(process);
  std::vector<IoPiece> pieces;
  for (uint64_t i = 0; i < count; ++i) pieces.push_back({process.put("0123456789", piece), piece});
  const UserAddr vector = process.put(pieces.data(), count * sizeof(IoPiece));
  CHECK(process.call(sys_writev, fd, vector, count) == static_cast<Sysret>(count * piece));
  CHECK(host.contents.size() == count * piece);
  CHECK(host.contents.substr(1990) == "0123456789");
  CHECK(host.transfers == 4);
  CHECK(host.pieces == 200);
  CHECK(process.call(sys_preadv, fd, vector, count, 0, 0) == static_cast<Sysret>(count * piece));
  CHECK(process.call(sys_writev, fd, vector, 1025) == -EINVAL);
}

TEST_CASE("a short transfer ends the call", "[host]") {
  FakeHost host;
  host.contents = std::string(100, 'a');
  TestProcess process(&host.channel());
  const Sysret fd = open_it(process);
  const UserAddr to = process.room(8192);
  host.at_most = 40;
  CHECK(process.call(sys_read, fd, to, 8192) == 40);
  host.at_most = ~0ull;
  CHECK(process.call(sys_read, fd, to, 8192) == 60);
  CHECK(process.call(sys_read, fd, to, 8192) == 0);
}

TEST_CASE("what may wait long is read through the slot", "[host]") {
  FakeHost host(S_IFIFO);
  host.contents = "typed";
  TestProcess process(&host.channel());
  const UserAddr to = process.room(65536);
  CHECK(process.call(sys_read, 0, to, 65536) == 5);
  CHECK(host.calls_in_slot == 1);
  CHECK(process.get<char>(to + 4) == 'd');
}

TEST_CASE("memory that the proxy does not know goes through the slot", "[host]") {
  FakeHost host;
  TestProcess process(&host.channel());
  FileRef file;
  REQUIRE(HostFile::wrap(host.channel(), 7, O_RDWR, file) == 0);
  std::vector<char> unknown(40000, 'u');  // not in the enclave's blocks
  CHECK(write_at(*file, unknown.data(), unknown.size(), 0) == 40000);
  CHECK(host.contents == std::string(40000, 'u'));
  CHECK(host.transfers == 3);
  std::fill(unknown.begin(), unknown.end(), '-');
  CHECK(read_at(*file, unknown.data(), unknown.size(), 100) == 39900);
  CHECK(unknown[39899] == 'u');
  CHECK(unknown[39900] == '-');
}

TEST_CASE("only memory inside one block of the proxy's is reachable, as long as that is there", "[host]") {
  const auto channel = std::make_unique<hobbes_hio_channel>();
  channel->blocks[0] = {0x1000, 0x1000};
  channel->blocks[2] = {0x4000, 0x2000};
  CHECK(is_known_to_proxy(*channel, 0x1000, 0x1000));
  CHECK(is_known_to_proxy(*channel, 0x5fff, 1));
  CHECK_FALSE(is_known_to_proxy(*channel, 0x1001, 0x1000));
  CHECK_FALSE(is_known_to_proxy(*channel, 0x3000, 0x1001));
  CHECK_FALSE(is_known_to_proxy(*channel, 0x4000, ~0ull));
  channel->blocks[2].size = 0;
  CHECK_FALSE(is_known_to_proxy(*channel, 0x4000, 1));
}

TEST_CASE("a signal gives a waiting call up", "[host]") {
  FakeHost host(S_IFIFO);
  host.blocks = true;
  TestProcess process(&host.channel());
  Thread& self = port::current();
  const UserAddr to = process.room(8);
  std::thread sender([&] { __atomic_store_n(&self.pending, signal_bit(SIGUSR1), __ATOMIC_SEQ_CST); });
  CHECK(process.call(sys_read, 0, to, 8) == restart_call);
  sender.join();
  // What can be done at once is done, and closing must be.
  const Sysret fd = open_it(process);
  REQUIRE(fd >= 0);
  CHECK(process.call(sys_close, fd) == 0);
  CHECK(host.closes == 1);
}

TEST_CASE("a dead proxy is an I/O error, now and later", "[host]") {
  FakeHost host(S_IFIFO);
  host.blocks = true;
  TestProcess process(&host.channel());
  const UserAddr to = process.room(8);
  std::thread supervisor([&] { host.proxy().die(); });
  CHECK(process.call(sys_read, 0, to, 8) == -EIO);
  supervisor.join();
  CHECK(process.call(sys_read, 0, to, 8) == -EIO);
  CHECK(open_it(process) == -EIO);
}

TEST_CASE("more callers than slots wait for one another", "[host]") {
  constexpr uint64_t callers = 2 * HOBBES_HIO_SLOTS, rounds = 50;
  FakeHost host;
  TestProcess process(&host.channel());
  const Sysret fd = open_it(process);
  std::atomic<uint64_t> good{0};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < callers; ++i) {
    threads.emplace_back([&, i] {
      const TestProcess::Enter enter(process);
      const char byte = static_cast<char>(i);
      const UserAddr from = process.put(&byte, 1), to = process.room(1);
      for (uint64_t round = 0; round < rounds; ++round) {
        if (process.call(sys_pwrite64, fd, from, 1, i) != 1 || process.call(sys_pread64, fd, to, 1, i) != 1) continue;
        good += process.get<char>(to) == byte ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == callers * rounds);
}

}  // namespace
}  // namespace hobbes::lwk::fs
