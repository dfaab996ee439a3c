// SPDX-License-Identifier: Apache-2.0
// Mutex: the kernel's lock. Spins briefly, then sleeps in the port.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

class Mutex : Immovable {
 public:
  void lock();
  void unlock();

 private:
  // 0 free, 1 held, 2 held and somebody may sleep (Drepper, "Futexes Are Tricky", mutex 2).
  uint32_t word_ = 0;
};

class Guard : Immovable {
 public:
  explicit Guard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Guard() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace hobbes::lwk
