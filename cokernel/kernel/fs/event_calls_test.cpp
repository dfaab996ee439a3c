// SPDX-License-Identifier: Apache-2.0
// eventfd, timerfd and signalfd, as far as their states are subtle.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/kernel/clock.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

struct Setting {
  TimeSpec interval, value;
};

uint64_t read_count(TestProcess& process, Sysret fd, Sysret& result) {
  const UserAddr to = process.room(8);
  result = process.call(sys_read, fd, to, 8);
  return process.get<uint64_t>(to);
}

TEST_CASE("an eventfd is as full as it says", "[events]") {
  constexpr uint64_t most = UINT64_MAX - 1, one = 1, too_much = UINT64_MAX;
  TestProcess process;
  const Sysret fd = process.call(sys_eventfd2, 0, O_NONBLOCK);
  CHECK(process.call(sys_write, fd, process.put(&most, 8), 8) == 8);
  CHECK(process.call(sys_write, fd, process.put(&one, 8), 8) == -EAGAIN);
  CHECK(process.call(sys_write, fd, process.put(&too_much, 8), 8) == -EINVAL);
  Sysret result = 0;
  CHECK(read_count(process, fd, result) == most);
  CHECK(read_count(process, fd, result) == 0);
  CHECK(result == -EAGAIN);
}

TEST_CASE("a semaphore's readers get one each", "[events]") {
  constexpr uint32_t semaphore = 1;
  constexpr uint64_t readers = 4;
  TestProcess process;
  const Sysret fd = process.call(sys_eventfd2, 0, semaphore);
  std::vector<std::thread> threads;
  std::atomic<uint64_t> got{0};
  for (uint64_t i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      const TestProcess::Enter enter(process);
      Sysret result = 0;
      got += read_count(process, fd, result);
    });
  }
  CHECK(process.call(sys_write, fd, process.put(&readers, 8), 8) == 8);
  for (std::thread& thread : threads) thread.join();
  CHECK(got == readers);
}

TEST_CASE("a timer counts what it missed, and keeps its beat", "[events]") {
  constexpr uint32_t monotonic = 1, absolute = 1;
  constexpr int64_t beat_ns = 10 * ns_per_second, missed = 7;
  TestProcess process;
  const Sysret fd = process.call(sys_timerfd_create, monotonic, O_NONBLOCK);
  const int64_t start = monotonic_ns() - missed * beat_ns - beat_ns / 2;
  const Setting setting{to_time(beat_ns), to_time(start)};
  REQUIRE(start > 0);
  REQUIRE(process.call(sys_timerfd_settime, fd, absolute, process.put(&setting, sizeof(setting)), 0) == 0);
  Sysret result = 0;
  CHECK(read_count(process, fd, result) == missed + 1);
  CHECK(read_count(process, fd, result) == 0);
  CHECK(result == -EAGAIN);
  const UserAddr to = process.room(sizeof(Setting));
  REQUIRE(process.call(sys_timerfd_gettime, fd, to) == 0);
  const auto now = process.get<Setting>(to);
  CHECK(to_ns(now.interval) == beat_ns);
  CHECK(to_ns(now.value) <= beat_ns / 2);
  CHECK(to_ns(now.value) > 0);
}

TEST_CASE("signals that are waited for come out of a signalfd, lowest first", "[events]") {
  TestProcess process;
  const SignalSet wanted = signal_bit(SIGUSR1) | signal_bit(SIGTERM);
  const Sysret fd = process.call(sys_signalfd4, -1, process.put(&wanted, 8), 8, O_NONBLOCK);
  const UserAddr to = process.room(3 * 128);
  CHECK(process.call(sys_read, fd, to, 127) == -EINVAL);
  CHECK(process.call(sys_read, fd, to, 3 * 128) == -EAGAIN);
  Thread& self = port::current();
  self.mask = wanted | signal_bit(SIGHUP);
  const int signals[] = {SIGTERM, SIGUSR1, SIGHUP};
  for (const int signal : signals) {
    self.pending_info[signal - 1] = {};
    self.pending_info[signal - 1].signo = signal;
    self.pending |= signal_bit(signal);
  }
  CHECK(process.call(sys_read, fd, to, 3 * 128) == 2 * 128);
  CHECK(process.get<int32_t>(to) == SIGUSR1);
  CHECK(process.get<int32_t>(to + 128) == SIGTERM);
  CHECK(self.pending == signal_bit(SIGHUP));
}

}  // namespace
}  // namespace hobbes::lwk::fs
