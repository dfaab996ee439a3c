// SPDX-License-Identifier: Apache-2.0
// Tracer: the processes of a program, from its start to its end, each thread stopped by its calls that change memory.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/result.hpp"
#include "hpmmap/options.hpp"
#include "hpmmap/program.hpp"

namespace hobbes::hpmmap {

class Tracer {
 public:
  explicit Tracer(const Options& options);
  /// Starts the program and serves it and its children until it has ended: its status, of wait(2). The error says why it
  /// never ran.
  [[nodiscard]] Result<int> run(const Options& options);

 private:
  using ProgramPtr = std::shared_ptr<Program>;

  void stopped(pid_t thread, int status);
  void event(pid_t thread, int number);
  void call(pid_t thread);
  void executed(pid_t thread);
  void begin_clone(Tracee& tracee);
  void cloned(pid_t thread);
  void start_child(pid_t child, Program& parent, std::uint64_t child_tid);
  void group_stopped(pid_t thread, int signal);
  [[nodiscard]] bool wait_for_start(pid_t child);
  void finish(Tracee& tracee);
  void ended(pid_t thread, int status);

  std::uint64_t stack_size_;
  std::vector<char> stub_;
  pid_t main_ = 0;
  std::map<pid_t, ProgramPtr> programs_;  ///< by thread; null: one whose memory is Linux's, before its exec or for good
  std::map<pid_t, std::uint64_t> clones_;  ///< threads that make a process: where that is to find its number
  std::set<pid_t> early_;                 ///< have stopped before we know whose they are
  bool has_run_ = false;
  bool over_ = false;
  int status_ = 0;
};

}  // namespace hobbes::hpmmap
