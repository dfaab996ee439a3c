// SPDX-License-Identifier: Apache-2.0
// ReadyThreads: threads started ahead, so that whoever needs one does not wait for it to start. What the process becomes
// after their start they become when they are needed: Linux keeps a user for every thread.
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace hobbes::host_io {

/// Threads: any.
class ReadyThreads {
 public:
  using Body = std::function<void()>;

  ReadyThreads() = default;
  ReadyThreads(const ReadyThreads&) = delete;
  ReadyThreads& operator=(const ReadyThreads&) = delete;
  /// Ends those that nobody needed.
  ~ReadyThreads();

  /// Starts `count` threads that wait for something to run.
  [[nodiscard]] Status start(std::size_t count);
  /// From now on those that wait do this first.
  void do_first(Body first);
  /// Runs `body` on one of them, which is the caller's then; on a new one if none is left.
  [[nodiscard]] Result<std::thread> run(Body body);

 private:
  struct Waiting {
    std::promise<Body> body;
    std::thread thread;
  };

  std::mutex mutex_;
  Body first_ = [] {};
  std::vector<Waiting> waiting_;
};

}  // namespace hobbes::host_io
