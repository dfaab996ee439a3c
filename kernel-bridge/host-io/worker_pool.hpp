// SPDX-License-Identifier: Apache-2.0
// WorkerPool: the threads that take calls from a channel, and the one that interrupts cancelled ones.
//
// There is always a worker that is free to take the next call, up to one worker a slot: the worker that takes a call
// when no other is free starts another one. So a call that blocks delays nobody.
//
// At most one free worker polls `posted`; it does so after a call, for `poll`, if calls came densely of late. The
// others sleep on `posted`. While somebody polls, the channel's `sleepers` is 0 and the co-kernel wakes nobody; when
// the poller takes a call or gives up, `sleepers` tells the truth again, and it wakes one itself if more was posted
// meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "kernel-bridge/host-io/call.hpp"
#include "kernel-bridge/host-io/channel.hpp"
#include "kernel-bridge/host-io/ready_threads.hpp"
#include "kernel-bridge/host-io/worker.hpp"

namespace hobbes::host_io {

class WorkerPool {
 public:
  /// Answers a call on a worker's thread; nullopt: it is never answered.
  using Answer = std::function<std::optional<std::int64_t>(std::uint32_t slot, const Request&, Scratch&)>;

  /// Its threads come from `threads`, which outlive it.
  WorkerPool(Channel& channel, ReadyThreads& threads, Answer answer, std::chrono::microseconds poll);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Interrupts and joins all threads; calls in flight end as a rule with -EINTR.
  ~WorkerPool();

  /// The first worker: calls can come.
  [[nodiscard]] Status start();
  /// What is needed soon: the canceller, a second worker.
  [[nodiscard]] Status complete();
  /// Whether the call of `slot`, in flight, is to end: cancelled, or the pool stops.
  [[nodiscard]] bool given_up(std::uint32_t slot) const { return stopping_ || channel_.cancelled(slot); }

 private:
  using Clock = std::chrono::steady_clock;

  void work(Worker& worker, bool polls);
  /// Answers one call; true: this worker polls for the next.
  [[nodiscard]] bool serve(Worker& worker, std::uint32_t slot, Scratch& scratch);
  [[nodiscard]] bool begin_search();
  /// The next call for this worker; nullopt: the pool stops.
  [[nodiscard]] std::optional<std::uint32_t> next_slot(bool polls);
  [[nodiscard]] std::optional<std::uint32_t> poll_for_slot();
  void end_polling(bool took);
  [[nodiscard]] std::optional<std::uint32_t> sleep_for_slot();
  void set_asleep(bool asleep);
  [[nodiscard]] std::optional<std::uint32_t> take_any();
  [[nodiscard]] bool more_posted();
  void note_wake_up();
  /// After this worker took a call: sees to it that another one is there for the next.
  void find_successor();
  void cancel_loop();
  [[nodiscard]] bool interrupt_given_up();

  // With mutex_ held:
  void publish_sleepers();
  [[nodiscard]] Status start_worker(bool polls);

  Channel& channel_;
  ReadyThreads& threads_;
  const Answer answer_;
  const std::chrono::microseconds poll_;

  std::vector<std::unique_ptr<Worker>> workers_;  // one a slot, started from the front; the vector is constant
  std::thread canceller_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> workers_done_{false};
  std::atomic<std::uint32_t> hint_{0};  // where the next scan starts
  /// Calls taken; `posted` minus this many wait to be taken, those among them that were posted before we were there.
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<Clock::rep> idle_since_{0};  // when a worker last went to sleep
  std::atomic<bool> dense_{true};          // calls come so soon after each other that polling pays

  std::mutex mutex_;            // guards the rest
  std::uint32_t started_ = 0;   // workers
  std::uint32_t free_ = 0;      // workers that look for calls
  std::uint32_t asleep_ = 0;    // those of them that sleep, or are about to
  bool polling_ = false;        // one of them polls
};

}  // namespace hobbes::host_io
