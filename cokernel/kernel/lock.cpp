// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/lock.hpp"

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace {
constexpr int spins = 200;
}

void Mutex::lock() {
  uint32_t free = 0;
  // acquire: partner is the release in unlock().
  if (__atomic_compare_exchange_n(&word_, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  for (int i = 0; i < spins; ++i) {
    port::relax();
    free = 0;
    if (__atomic_compare_exchange_n(&word_, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  }
  while (__atomic_exchange_n(&word_, 2, __ATOMIC_ACQUIRE) != 0) port::wait(&word_, 2, never);
}

void Mutex::unlock() {
  if (__atomic_exchange_n(&word_, 0, __ATOMIC_RELEASE) == 2) port::wake(&word_, 1);
}

}  // namespace hobbes::lwk
