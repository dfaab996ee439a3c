// SPDX-License-Identifier: Apache-2.0
// A signal there and one back between two threads, beside a cache line and an eventfd.
#include <hobbes/xemem.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/bench/xemem/contest.hpp"

namespace hobbes::bench {
namespace {

constexpr int trips = 2000;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

/// Nanoseconds a round trip: here() sends and waits, there() waits and sends.
template <typename Here, typename There>
double round_trips(int count, Here here, There there) {
  std::thread echo([&] {
    pin(1);
    for (int i = 0; i < count; ++i) there();
  });
  pin(0);
  const double took = time_of([&] {
    for (int i = 0; i < count; ++i) here();
  });
  echo.join();
  return took / count;
}

struct Line {
  alignas(64) std::atomic<int> there = 0;
  alignas(64) std::atomic<int> back = 0;
};

double cache_lines() {
  Line line;
  int sent = 0, heard = 0;
  return round_trips(
      trips,
      [&] {
        line.there.store(++sent, std::memory_order_release);
        while (line.back.load(std::memory_order_acquire) != sent) __builtin_ia32_pause();
      },
      [&] {
        ++heard;
        while (line.there.load(std::memory_order_acquire) != heard) __builtin_ia32_pause();
        line.back.store(heard, std::memory_order_release);
      });
}

struct Signalled {
  explicit Signalled() {
    segid = xemem_make_signalled(nullptr, 0, nullptr, &fd);
    apid = xemem_get(segid, XEMEM_RDWR);
    require(apid > 0, "xemem_make_signalled");
  }
  ~Signalled() {
    xemem_release(apid);
    xemem_remove(segid);
  }
  xemem_segid_t segid = -1;
  xemem_apid_t apid = -1;
  int fd = -1;
};

double polled(const Signalled& there, const Signalled& back) {
  return round_trips(
      trips,
      [&] {
        xemem_signal(there.apid);
        require(xemem_wait_signal(back.fd, -1) == 0, "xemem_wait_signal");
      },
      [&] {
        require(xemem_wait_signal(there.fd, -1) == 0, "xemem_wait_signal");
        xemem_signal(back.apid);
      });
}

double eventfds(int there, int back) {
  const auto send = [](int fd) {
    const std::uint64_t one = 1;
    require(::write(fd, &one, sizeof one) == sizeof one, "eventfd");
  };
  const auto take = [](int fd) {
    pollfd polled{fd, POLLIN, 0};
    std::uint64_t one = 0;
    ::poll(&polled, 1, -1);
    require(::read(fd, &one, sizeof one) == sizeof one, "eventfd");
  };
  return round_trips(
      trips / 10, [&] { send(there), take(back); }, [&] { take(there), send(back); });
}

/// As one that waits for many things: in poll().
double slept(const Signalled& there, const Signalled& back) {
  const auto take = [](int fd) {
    pollfd polled{fd, POLLIN, 0};
    ::poll(&polled, 1, -1);
    require(xemem_ack(fd) == 0, "xemem_ack");
  };
  return round_trips(
      trips / 10, [&] { xemem_signal(there.apid), take(back.fd); }, [&] { take(there.fd), xemem_signal(back.apid); });
}

}  // namespace

void bench_signal(Results& results) {
  const Signalled there, back;
  heading("a signal there and one back, the waiters look");
  results.start_group("a signal there and one back, the waiters look", "ns");
  contest(results,
          {{"cache lines", cache_lines},
           {"xemem_signal, xemem_wait_signal", [&] { return polled(there, back); }}},
          25);
  xemem_ack_all(there.fd);
  xemem_ack_all(back.fd);
  const int first = ::eventfd(0, EFD_SEMAPHORE), second = ::eventfd(0, EFD_SEMAPHORE);
  heading("a signal there and one back, the waiters sleep in poll()");
  results.start_group("a signal there and one back, the waiters sleep in poll()", "ns");
  contest(results,
          {{"eventfds", [&] { return eventfds(first, second); }},
           {"xemem_signal, xemem_ack", [&] { return slept(there, back); }}},
          25);
  ::close(first);
  ::close(second);
}

}  // namespace hobbes::bench
