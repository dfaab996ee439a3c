// SPDX-License-Identifier: Apache-2.0
// StopOthers: while it lives, no other thread of this process runs, in user mode or in a system call that could write.
#pragma once

namespace hobbes::xemem {

/// One at a time in a process. What its owner calls meanwhile must not need a lock that a stopped thread may hold: no
/// heap.
class StopOthers {
 public:
  StopOthers();
  StopOthers(const StopOthers&) = delete;
  StopOthers& operator=(const StopOthers&) = delete;
  ~StopOthers();

  /// 0, or why they have not stopped: EBUSY, one of them blocks all signals; EAGAIN, no signal is free; ENOMEM, too
  /// many.
  [[nodiscard]] int error() const { return error_; }

 private:
  [[nodiscard]] int choose_signal();
  [[nodiscard]] int stop_all();

  int signal_ = 0;
  int error_ = 0;
};

}  // namespace hobbes::xemem
