// SPDX-License-Identifier: Apache-2.0
// The floors: the least that two threads can do to exchange one word each way.
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/unique_fd.hpp"
#include "kernel-bridge/abi/queue.h"
#include "tests/bench/queue/contestant.hpp"

namespace hobbes::bench {
namespace {

/// Two counters on cache lines of their own. A side is done when the other's counter has reached its own.
struct Words {
  alignas(HOBBES_CACHE_LINE) std::uint32_t there = 0;
  alignas(HOBBES_CACHE_LINE) std::uint32_t back = 0;
};

class CacheLine final : public Contestant {
 public:
  CacheLine() : Contestant("bare cache lines") {}

  void round_trip() override {
    ++sent_;
    __atomic_store_n(&words_.there, sent_, __ATOMIC_RELEASE);
    while (__atomic_load_n(&words_.back, __ATOMIC_ACQUIRE) != sent_) {
    }
  }
  void echo() override {
    ++echoed_;
    while (__atomic_load_n(&words_.there, __ATOMIC_ACQUIRE) != echoed_) {
    }
    __atomic_store_n(&words_.back, echoed_, __ATOMIC_RELEASE);
  }

 private:
  Words words_;
  alignas(HOBBES_CACHE_LINE) std::uint32_t sent_ = 0;
  alignas(HOBBES_CACHE_LINE) std::uint32_t echoed_ = 0;
};

class FutexPair final : public Contestant {
 public:
  FutexPair() : Contestant("bare futex pair") {}

  void round_trip() override {
    post(words_.there, ++sent_);
    await(words_.back, sent_);
  }
  void echo() override {
    await(words_.there, ++echoed_);
    post(words_.back, echoed_);
  }

 private:
  static void post(std::uint32_t& word, std::uint32_t value) {
    __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  static void await(std::uint32_t& word, std::uint32_t value) {
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) != value) {
      syscall(SYS_futex, &word, FUTEX_WAIT, value - 1, nullptr, nullptr, 0);
    }
  }

  Words words_;
  std::uint32_t sent_ = 0;
  alignas(HOBBES_CACHE_LINE) std::uint32_t echoed_ = 0;
};

class EventfdPair final : public Contestant {
 public:
  EventfdPair() : Contestant("bare eventfd pair"), there_(eventfd(0, EFD_CLOEXEC)), back_(eventfd(0, EFD_CLOEXEC)) {}

  void round_trip() override {
    post(there_);
    await(back_);
  }
  void echo() override {
    await(there_);
    post(back_);
  }

 private:
  static void post(const UniqueFd& fd) {
    const std::uint64_t one = 1;
    if (write(fd.get(), &one, sizeof one) != sizeof one) fail();
  }
  static void await(const UniqueFd& fd) {
    std::uint64_t count = 0;
    if (read(fd.get(), &count, sizeof count) != sizeof count) fail();
  }
  [[noreturn]] static void fail() {
    std::perror("eventfd");
    std::exit(1);
  }

  UniqueFd there_;
  UniqueFd back_;
};

}  // namespace

std::unique_ptr<Contestant> make_cache_line() { return std::make_unique<CacheLine>(); }
std::unique_ptr<Contestant> make_futex_pair() { return std::make_unique<FutexPair>(); }
std::unique_ptr<Contestant> make_eventfd_pair() { return std::make_unique<EventfdPair>(); }

}  // namespace hobbes::bench
