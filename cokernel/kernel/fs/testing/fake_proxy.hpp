// SPDX-License-Identifier: Apache-2.0
// FakeProxy: the other end of a host-I/O channel: one thread that answers calls with a function of the test.
#pragma once

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <atomic>
#include <functional>
#include <thread>

namespace hobbes::lwk::testing {

class FakeProxy {
 public:
  /// Called on the proxy's thread, one call at a time; its return value is the call's result.
  using Serve = std::function<int64_t(hobbes_hio_slot& slot)>;
  explicit FakeProxy(Serve serve);
  ~FakeProxy();

  hobbes_hio_channel& channel() { return *channel_; }
  /// As a supervisor does when the proxy has ended.
  void die();
  /// Inside `serve`: waits until the co-kernel gives the call up; -EINTR.
  int64_t wait_for_cancel(hobbes_hio_slot& slot);

 private:
  void run();

  hobbes_hio_channel* channel_;
  Serve serve_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace hobbes::lwk::testing
