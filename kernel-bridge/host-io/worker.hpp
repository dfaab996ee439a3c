// SPDX-License-Identifier: Apache-2.0
// Worker: a thread that carries out one call at a time and can be interrupted in it, and only in it.
//
// The interrupt is a signal whose handler does nothing (no SA_RESTART): a blocked call ends with EINTR. A signal that
// came too late would end the worker's *next* call, so sending and finishing exclude each other by `serving_`, and a
// worker that was sent a signal takes it before it goes on:
//
//        canceller                              worker
//   C1   serving = slot -> slot | SENDING  W1   call returns
//   C2   given up: signalled = 1, tgkill   W2   serving = slot -> idle (waits while SENDING)
//   C3   serving = slot                    W3   signalled: takes the signal, which is pending
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "base/result.hpp"
#include "kernel-bridge/host-io/ready_threads.hpp"

namespace hobbes::host_io {

class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Installs the interrupt's handler for the process. Once, before any worker starts.
  [[nodiscard]] static Status install_interrupt();

  /// Runs `body` on a thread of its own, one of `threads`.
  [[nodiscard]] Status start(ReadyThreads& threads, ReadyThreads::Body body);
  [[nodiscard]] bool started() const { return thread_.joinable(); }
  void join() { thread_.join(); }

  /// Its own thread: around each call.
  void begin(std::uint32_t slot);
  void finish();

  /// One other thread: interrupts it if it serves a slot whose call is `given_up`; whether it did. The question is
  /// asked while the worker cannot go on to another call.
  bool interrupt_if(const std::function<bool(std::uint32_t slot)>& given_up);

 private:
  std::atomic<std::uint32_t> serving_{0};  // 0: idle; slot + 1, and perhaps `sending`
  std::atomic<bool> signalled_{false};
  std::atomic<pid_t> tid_{0};
  std::thread thread_;
};

}  // namespace hobbes::host_io
