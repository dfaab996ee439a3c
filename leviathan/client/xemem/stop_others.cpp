// SPDX-License-Identifier: Apache-2.0
// Each thread gets a signal, and waits in its handler. A thread in a system call comes to the handler when the call
// ends or is interrupted (SA_RESTART: it is made again), so nothing of the kernel writes for it meanwhile either.
// Threads that are made while others are stopped are found by looking again until no new ones are seen.
#include "leviathan/client/xemem/stop_others.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace hobbes::xemem {
namespace {

constexpr std::size_t most_threads = 4096;
constexpr std::int64_t patience_ns = 1'000'000'000;

/// Of the stop under way; a signal handler knows nothing else.
std::uint32_t round = 0;                    // futex: odd while they are to wait
std::array<int, most_threads> stopped;      // their ids, 0: a free place
std::size_t stopped_count = 0;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

bool is_stop(std::uint32_t of_round) { return of_round % 2 == 1; }

void wait_here(int) {
  const int kept = errno;
  // Who wakes up late may find the next round begun: it has stopped for that one, too.
  for (std::uint32_t now = 0; is_stop(now = __atomic_load_n(&round, __ATOMIC_ACQUIRE));) {  // partner: StopOthers
    const std::size_t place = __atomic_fetch_add(&stopped_count, 1, __ATOMIC_RELAXED);
    // release: what this thread wrote before is seen by who copies; partner: has_stopped
    if (place < most_threads)
      __atomic_store_n(&stopped[place], static_cast<int>(::syscall(SYS_gettid)), __ATOMIC_RELEASE);
    while (__atomic_load_n(&round, __ATOMIC_ACQUIRE) == now)  // partner: ~StopOthers
      ::syscall(SYS_futex, &round, FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
  }
  errno = kept;
}

bool has_stopped(int thread) {
  const std::size_t count = std::min(__atomic_load_n(&stopped_count, __ATOMIC_RELAXED), most_threads);
  for (std::size_t i = 0; i < count; ++i)
    if (__atomic_load_n(&stopped[i], __ATOMIC_ACQUIRE) == thread) return true;
  return false;
}

struct Threads {
  std::array<int, most_threads> id;
  std::size_t count = 0;

  [[nodiscard]] bool has(int thread) const {
    const auto* end = id.data() + count;
    return std::find(id.data(), end, thread) != end;
  }
};
Threads signalled;  // of the stop under way; too large for a stack

struct Entry {  // struct linux_dirent64
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];
};

/// Calls see(id) for each thread of the process but the calling one, without the heap that readdir() needs.
template <typename See>
bool for_others(See see) {
  const int self = static_cast<int>(::syscall(SYS_gettid));
  const int dir = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return false;
  alignas(Entry) std::array<char, 4096> buffer;
  for (long got = 0; (got = ::syscall(SYS_getdents64, dir, buffer.data(), buffer.size())) > 0;) {
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer.data() + at);
      int id = 0;
      for (const char* digit = entry->name; *digit >= '0' && *digit <= '9'; ++digit) id = id * 10 + (*digit - '0');
      if (id != 0 && id != self) see(id);
      at += entry->length;
    }
  }
  ::close(dir);
  return true;
}

bool is_alive(int thread) { return ::syscall(SYS_tgkill, ::getpid(), thread, 0) == 0; }

}  // namespace

StopOthers::StopOthers() {
  error_ = choose_signal();
  if (error_ != 0) return;
  signalled.count = 0;
  __atomic_store_n(&stopped_count, 0, __ATOMIC_RELAXED);
  stopped.fill(0);
  __atomic_fetch_add(&round, 1, __ATOMIC_RELEASE);  // partner: wait_here
  error_ = stop_all();
}

/// The handler stays: a thread that stopped for two rounds at once has the second signal still to come.
int StopOthers::choose_signal() {
  for (int candidate = SIGRTMAX; candidate > SIGRTMIN; --candidate) {
    struct sigaction present {};
    if (::sigaction(candidate, nullptr, &present) != 0) continue;
    signal_ = candidate;
    if (present.sa_handler == wait_here) return 0;
    if (present.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = wait_here;
    ours.sa_flags = SA_RESTART;
    ::sigfillset(&ours.sa_mask);
    if (::sigaction(candidate, &ours, nullptr) == 0) return 0;
  }
  signal_ = 0;
  return EAGAIN;
}

int StopOthers::stop_all() {
  const std::int64_t deadline = now_ns() + patience_ns;
  while (true) {
    bool all = true, fits = true;
    const bool seen = for_others([&](int thread) {
      if (!signalled.has(thread)) {
        all = false;
        if (!(fits = fits && signalled.count < most_threads)) return;
        if (::syscall(SYS_tgkill, ::getpid(), thread, signal_) == 0) signalled.id[signalled.count++] = thread;
      } else if (!has_stopped(thread) && is_alive(thread)) {
        all = false;
      }
    });
    if (!seen) return errno;
    if (!fits) return ENOMEM;
    if (all) return 0;
    if (now_ns() > deadline) return EBUSY;
    ::syscall(SYS_sched_yield);
  }
}

StopOthers::~StopOthers() {
  if (signal_ == 0) return;
  __atomic_fetch_add(&round, 1, __ATOMIC_RELEASE);  // partner: wait_here
  ::syscall(SYS_futex, &round, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace hobbes::xemem
