// SPDX-License-Identifier: Apache-2.0
// Tracee: a thread of a program that we have stopped, and that executes system calls for us before it goes on.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace hobbes::hpmmap {

class Tracee {
 public:
  /// Of a thread that stands still where its registers may be changed: at a system call the filter stopped, behind one, or
  /// new. It goes on when the caller says so (PTRACE_CONT).
  explicit Tracee(pid_t thread);
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;

  [[nodiscard]] pid_t thread() const { return thread_; }
  /// Its registers as the program left them.
  [[nodiscard]] const user_regs_struct& registers() const { return saved_; }
  /// It was killed meanwhile: calls are -ESRCH.
  [[nodiscard]] bool is_gone() const { return gone_; }

  /// A call of its own, from the stub: the result or -errno.
  long call(long number, std::initializer_list<std::uint64_t> arguments);
  /// Maps a part of a block at `address`, populated.
  long map_block(std::uint64_t address, std::size_t block, std::uint64_t offset, std::uint64_t size, int protection);
  /// Puts the stub in place, by a call made at the program's entry. False: that failed, or it is gone.
  [[nodiscard]] bool place_stub(const std::vector<char>& image);

  [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t size) const;
  /// Whatever its protection.
  [[nodiscard]] bool write(std::uint64_t address, const void* from, std::size_t size) const;

  /// The program's own call was made here, with this result.
  void set_result(long result);
  /// As if the call it stopped in had been made with this first argument.
  void set_first_argument(std::uint64_t value) { saved_.rdi = value; }
  /// The thread is as it was, but for that. Also of one that has made no call.
  void restore();
  /// What it stopped for while it worked for us, and somebody else must see to: a status of wait(2), or nothing.
  [[nodiscard]] std::vector<int> take_missed() { return std::exchange(missed_, {}); }

 private:
  long run(user_regs_struct registers);
  void block_signals();
  [[nodiscard]] bool resume(int request);

  pid_t thread_;
  user_regs_struct saved_{};
  std::uint64_t signal_mask_ = 0;
  bool working_ = false;  // its registers are ours, its signals are blocked
  bool stop_again_ = false;
  bool gone_ = false;
  bool has_result_ = false;
  std::vector<int> missed_;
};

}  // namespace hobbes::hpmmap
