// SPDX-License-Identifier: Apache-2.0
// Worker: a thread that carries out one call at a time and can be interrupted in it, and only in it.
//
// The interrupt is a signal whose handler does nothing (no SA_RESTART): a blocked call ends with EINTR. A signal that came
// too late would end the worker's *next* call, so sending and finishing exclude each other by `serving_`, and a worker
// that was sent a signal waits for it before it goes on:
//
//        canceller                              worker
//   C1   serving = slot -> slot | SENDING  W1   call returns
//   C2   sent += 1, tgkill                 W2   serving = slot -> idle (waits while SENDING)
//   C3   serving = slot                    W3   waits until handled == sent
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

#include "base/result.hpp"

namespace hobbes::host_io {

class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Installs the interrupt's handler for the process. Once, before any worker starts.
  [[nodiscard]] static Status install_interrupt();

  /// Runs `body` on a thread of its own.
  [[nodiscard]] Status start(std::function<void()> body);
  [[nodiscard]] bool started() const { return thread_.joinable(); }
  void join() { thread_.join(); }

  /// Its own thread: around each call.
  void begin(std::uint32_t slot);
  void finish();

  /// Another thread: the slot it serves now, if any.
  [[nodiscard]] std::optional<std::uint32_t> serving() const;
  /// Another thread (one at a time): interrupts it if it still serves `slot`.
  void interrupt(std::uint32_t slot);

 private:
  static void on_interrupt(int);

  std::atomic<std::uint32_t> serving_{0};  // 0: idle; slot + 1, and perhaps `sending`
  std::atomic<std::uint32_t> sent_{0};
  std::atomic<std::uint32_t> handled_{0};
  std::atomic<pid_t> tid_{0};
  std::thread thread_;
};

}  // namespace hobbes::host_io
