// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/epoll.hpp"

#include "cokernel/kernel/fs/testing/fake_proxy.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace hobbes::lwk::fs {
namespace {

using testing::FakeProxy;
using testing::TestProcess;

constexpr int ctl_add = 1, ctl_remove = 2, ctl_modify = 3;

/// An epoll of a process, and what it tells.
struct Epoll {
  explicit Epoll(TestProcess& owner) : process(owner), fd(owner.call(sys_epoll_create1, 0)), events(owner.room(256)) {
    REQUIRE(fd >= 0);
  }
  Sysret control(int operation, Sysret file, uint32_t wanted = 0, uint64_t data = 0) {
    const EpollEvent event{wanted, data};
    return process.call(sys_epoll_ctl, fd, operation, file, process.put(&event, sizeof(event)));
  }
  Sysret wait(int ms, int room = 8) { return process.call(sys_epoll_wait, fd, events, room, ms); }
  uint64_t data(int i = 0) {
    return process.get<EpollEvent>(events + static_cast<uint64_t>(i) * sizeof(EpollEvent)).data;
  }

  TestProcess& process;
  Sysret fd;
  UserAddr events;
};

Sysret make_event(TestProcess& process, uint64_t count) { return process.call(sys_eventfd2, count, O_NONBLOCK); }

void signal_event(TestProcess& process, Sysret fd) {
  const uint64_t one = 1;
  REQUIRE(process.call(sys_write, fd, process.put(&one, 8), 8) == 8);
}

TEST_CASE("an edge is told once, a level as long as it lasts", "[epoll]") {
  TestProcess process;
  Epoll edge(process), level(process);
  const Sysret event = make_event(process, 0);
  REQUIRE(edge.control(ctl_add, event, EPOLLIN | EPOLLET, 1) == 0);
  REQUIRE(level.control(ctl_add, event, EPOLLIN, 2) == 0);
  CHECK(edge.wait(0) == 0);
  signal_event(process, event);
  CHECK(edge.wait(0) == 1);
  CHECK(edge.wait(0) == 0);
  CHECK(level.wait(0) == 1);
  CHECK(level.wait(0) == 1);
  signal_event(process, event);
  CHECK(edge.wait(0) == 1);
  const UserAddr to = process.room(8);
  REQUIRE(process.call(sys_read, event, to, 8) == 8);
  CHECK(level.wait(0) == 0);
  CHECK(edge.wait(0) == 0);
}

TEST_CASE("a wake-up for other events is no edge", "[epoll]") {
  TestProcess process;
  Epoll epoll(process);
  const Sysret event = make_event(process, 5);
  REQUIRE(epoll.control(ctl_add, event, EPOLLOUT | EPOLLET) == 0);
  CHECK(epoll.wait(0) == 1);
  signal_event(process, event);  // readable, more so
  CHECK(epoll.wait(0) == 0);
}

TEST_CASE("a one-shot is told again when it is set again", "[epoll]") {
  TestProcess process;
  Epoll epoll(process);
  const Sysret event = make_event(process, 1);
  REQUIRE(epoll.control(ctl_add, event, EPOLLIN | EPOLLONESHOT, 1) == 0);
  CHECK(epoll.wait(0) == 1);
  signal_event(process, event);
  CHECK(epoll.wait(0) == 0);
  CHECK(epoll.control(ctl_modify, event, EPOLLIN | EPOLLONESHOT, 2) == 0);
  CHECK(epoll.wait(0) == 1);
  CHECK(epoll.data() == 2);
}

TEST_CASE("those that are ready take turns", "[epoll]") {
  TestProcess process;
  Epoll epoll(process);
  for (uint64_t i = 0; i < 3; ++i) REQUIRE(epoll.control(ctl_add, make_event(process, 1), EPOLLIN, i) == 0);
  std::vector<uint64_t> seen;
  for (int i = 0; i < 6; ++i) {
    REQUIRE(epoll.wait(0, 1) == 1);
    seen.push_back(epoll.data());
  }
  CHECK(seen == std::vector<uint64_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("a file leaves its epolls when its last descriptor closes, an epoll its files when it goes", "[epoll]") {
  TestProcess process;
  const Sysret event = make_event(process, 1);
  {
    Epoll first(process), second(process);
    REQUIRE(first.control(ctl_add, event, EPOLLIN) == 0);
    REQUIRE(second.control(ctl_add, event, EPOLLIN) == 0);
    REQUIRE(process.call(sys_close, first.fd) == 0);
    signal_event(process, event);
    const Sysret copy = process.call(sys_dup, event);
    REQUIRE(process.call(sys_close, event) == 0);
    CHECK(second.wait(0) == 1);
    REQUIRE(process.call(sys_close, copy) == 0);
    CHECK(second.wait(0) == 0);
  }
}

TEST_CASE("an epoll in an epoll is ready when something in it is", "[epoll]") {
  TestProcess process;
  Epoll inner(process), outer(process);
  const Sysret event = make_event(process, 0);
  REQUIRE(inner.control(ctl_add, event, EPOLLIN) == 0);
  REQUIRE(outer.control(ctl_add, inner.fd, EPOLLIN, 7) == 0);
  CHECK(inner.control(ctl_add, outer.fd, EPOLLIN) == -ELOOP);
  CHECK(outer.wait(0) == 0);
  signal_event(process, event);
  CHECK(outer.wait(0) == 1);
  CHECK(outer.data() == 7);
  REQUIRE(process.call(sys_close, event) == 0);
  CHECK(outer.wait(0) == 0);
}

TEST_CASE("writers in other threads lose no wake-up", "[epoll]") {
  constexpr int writers = 4, rounds = 500;
  TestProcess process;
  Epoll epoll(process);
  const Sysret event = make_event(process, 0);
  REQUIRE(epoll.control(ctl_add, event, EPOLLIN | EPOLLET) == 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      const TestProcess::Enter enter(process);
      const uint64_t one = 1;
      const UserAddr from = process.put(&one, 8);
      for (int round = 0; round < rounds; ++round) (void)process.call(sys_write, event, from, 8);
    });
  }
  const UserAddr to = process.room(8);
  for (uint64_t total = 0; total < writers * rounds;) {
    REQUIRE(epoll.wait(-1) == 1);  // a lost edge would be waited for in vain
    if (process.call(sys_read, event, to, 8) == 8) total += process.get<uint64_t>(to);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("running out of memory leaves an epoll as it was", "[epoll]") {
  TestProcess process;
  Epoll epoll(process);
  const Sysret event = make_event(process, 1);
  const EpollEvent wanted{EPOLLIN, 1};
  const UserAddr from = process.put(&wanted, sizeof(wanted));
  testing::fail_allocations_after(0);
  CHECK(process.call(sys_epoll_ctl, epoll.fd, ctl_add, event, from) == -ENOMEM);
  CHECK(process.call(sys_epoll_create1, 0) == -ENOMEM);
  testing::fail_allocations_after(-1);
  CHECK(epoll.wait(0) == 0);
  CHECK(epoll.control(ctl_add, event, EPOLLIN, 1) == 0);
  CHECK(epoll.wait(0) == 1);
}

/// A host with an epoll: what is in it, and what it tells next.
struct FakeHost {
  FakeHost() : proxy([this](hobbes_hio_slot& slot) { return serve(slot); }) {}

  int64_t serve(hobbes_hio_slot& slot) {
    switch (slot.nr) {
      case host_epoll_create1: return 100;
      case host_close: return 0;
      case host_epoll_ctl: {
        const auto* event = reinterpret_cast<const EpollEvent*>(slot.args[3]);
        if (slot.args[0] != 100 || slot.args[2] != 0) return -EBADF;
        if (slot.args[1] == ctl_add) tag = event->data;
        ++controls;
        return 0;
      }
      case host_epoll_pwait2: {
        ++waits;
        if (ready) {
          auto* events = reinterpret_cast<EpollEvent*>(slot.args[1]);
          events[0] = {EPOLLIN, tag};
          events[1] = {EPOLLIN, tag + (1ull << 32)};  // of an interest that has gone
          return 2;
        }
        return slot.args[3] == 0 ? proxy.wait_for_cancel(slot) : 0;
      }
      default: return -ENOSYS;
    }
  }

  std::atomic<uint64_t> tag{0};
  std::atomic<int> controls{0}, waits{0};
  std::atomic<bool> ready{false};
  FakeProxy proxy;
};

TEST_CASE("the host's files are in an epoll of the proxy's", "[epoll]") {
  FakeHost host;
  TestProcess process(&host.proxy.channel());
  Epoll epoll(process);
  REQUIRE(epoll.control(ctl_add, 0, EPOLLIN, 5) == 0);
  CHECK(epoll.wait(0) == 0);
  host.ready = true;
  CHECK(epoll.wait(-1) == 1);
  CHECK(epoll.data() == 5);
  REQUIRE(epoll.control(ctl_remove, 0) == 0);
  CHECK(host.controls == 2);
  CHECK(epoll.wait(0) == 0);  // without such files nobody asks the host
  CHECK(host.waits == 2);
}

TEST_CASE("what happens in the enclave ends a wait at the host", "[epoll]") {
  FakeHost host;
  TestProcess process(&host.proxy.channel());
  Epoll epoll(process);
  const Sysret event = make_event(process, 0);
  REQUIRE(epoll.control(ctl_add, 0, EPOLLIN, 5) == 0);
  REQUIRE(epoll.control(ctl_add, event, EPOLLIN, 6) == 0);
  std::thread writer([&] {
    const TestProcess::Enter enter(process);
    while (host.waits == 0) std::this_thread::yield();
    signal_event(process, event);
  });
  CHECK(epoll.wait(-1) == 1);
  CHECK(epoll.data() == 6);
  writer.join();
  port::current().pending = signal_bit(SIGUSR1);
  REQUIRE(epoll.control(ctl_remove, event) == 0);
  CHECK(epoll.wait(-1) == -EINTR);
}

}  // namespace
}  // namespace hobbes::lwk::fs
