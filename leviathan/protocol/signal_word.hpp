// SPDX-License-Identifier: Apache-2.0
// The word that counts a segment's signals (abi/xemem.h), as signallers of Linux change it.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "kernel-bridge/abi/xemem.h"

namespace hobbes::protocol {

/// The futex is the half that changes with the count.
inline std::uint32_t* futex_of(std::uint64_t* word) { return reinterpret_cast<std::uint32_t*>(word); }

/// Counts one signal, if signals are counted in the word now, and wakes who sleeps for it. False: they go to the
/// eventfd. seq_cst: the exporter sets COUNTS and SLEEPS by compare-and-exchange of this word, so that one of the two
/// sees the other's change.
inline bool count_signal(std::uint64_t* word) {
  std::uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
  while ((seen & HOBBES_XEMEM_COUNTS) != 0) {
    if ((seen & HOBBES_XEMEM_COUNT_MASK) == HOBBES_XEMEM_COUNT_MASK) return true;  // as many as can be counted
    if (!__atomic_compare_exchange_n(word, &seen, seen + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) continue;
    if ((seen & HOBBES_XEMEM_SLEEPS) != 0) ::syscall(SYS_futex, futex_of(word), FUTEX_WAKE, 1, nullptr, nullptr, 0);
    return true;
  }
  return false;
}

/// Counts one signal, wherever it is counted now. False, with errno: the eventfd does not take it.
inline bool signal_exporter(std::uint64_t* word, int bell) {
  if (count_signal(word)) return true;
  const std::uint64_t one = 1;
  return bell < 0 || ::write(bell, &one, sizeof one) == sizeof one || errno == EAGAIN;  // EAGAIN: as many as it counts
}

}  // namespace hobbes::protocol
