// SPDX-License-Identifier: Apache-2.0
// Futexes on words shared between processes. Words in enclave memory are always read and written through these atomics.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <optional>

namespace hobbes::host_io {

using Word = std::atomic_ref<std::uint32_t>;
static_assert(Word::is_always_lock_free);

// A mapping of memory that is not Linux's (docs/pisces.md) has no futexes between processes: there is EFAULT. Those
// within this process work everywhere, and who else changes a word rings the native bell (native_bell.hpp).

/// Sleeps while `word` holds `seen`, until woken, `timeout` passes or a signal handler ran. The caller looks again.
inline void futex_wait(std::uint32_t& word, std::uint32_t seen,
                       std::optional<std::chrono::nanoseconds> timeout = std::nullopt) {
  timespec relative{};
  if (timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
    relative = {.tv_sec = seconds.count(), .tv_nsec = (*timeout - seconds).count()};
  }
  const timespec* limit = timeout ? &relative : nullptr;
  if (::syscall(SYS_futex, &word, FUTEX_WAIT, seen, limit, nullptr, 0) == 0 || errno != EFAULT) return;
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, limit, nullptr, 0);
}

inline void futex_wake(std::uint32_t& word, int count) {
  if (::syscall(SYS_futex, &word, FUTEX_WAKE, count, nullptr, nullptr, 0) >= 0 || errno != EFAULT) return;
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline void futex_wake_all(std::uint32_t& word) { futex_wake(word, INT_MAX); }

}  // namespace hobbes::host_io
