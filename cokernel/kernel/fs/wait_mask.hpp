// SPDX-License-Identifier: Apache-2.0
// MaskWhileWaiting: the signal mask that ppoll, pselect6 and epoll_pwait wait under.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::fs {

/// In force while the call waits.
class MaskWhileWaiting : Immovable {
 public:
  explicit MaskWhileWaiting(Thread& self) : self_(self) {}
  [[nodiscard]] int set(UserAddr mask, uint64_t size) {
    SignalSet wanted = 0;
    if (mask == 0) return 0;
    if (size != sizeof(wanted)) return -EINVAL;
    if (!read_user(mask, wanted)) return -EFAULT;
    self_.saved_mask = self_.mask;
    self_.restore_mask = true;
    change(wanted & ~unblockable);
    set_ = true;
    return 0;
  }
  /// A signal that ended the wait is delivered under this mask, and the delivery puts the old one back.
  Sysret finish(Sysret result) {
    if (!set_ || result == restart_never_handled || result == -EINTR) return result;
    self_.restore_mask = false;
    change(self_.saved_mask);
    return result;
  }

 private:
  void change(SignalSet mask) {
    __atomic_store_n(&self_.mask, mask, __ATOMIC_RELAXED);    // read by those who send signals
    __atomic_store_n(&self_.attention, 1, __ATOMIC_RELEASE);  // what was blocked before may be due
  }

  Thread& self_;
  bool set_ = false;
};

}  // namespace hobbes::lwk::fs
