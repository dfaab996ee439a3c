// SPDX-License-Identifier: Apache-2.0
// WorkerPool: the threads that take calls from a channel, and the one that interrupts cancelled ones.
//
// There is always a worker that is free to take the next call, up to one worker a slot: the worker that takes a call
// when no other is free starts another one. So a call that blocks delays nobody.
//
// One worker at most is attentive: it polls `posted` after a call, as long as the PollWindow says, and is expected back at
// once from the calls that it takes. The others sleep on `posted`. While there is an attentive one, the channel's `sleepers`
// is 0 and the co-kernel wakes nobody: neither side writes a word that both use but for the call itself. When it finds
// nothing for long enough, `sleepers` tells the truth again; when it finds more than one call, it wakes a sleeper. When a
// call keeps it, the co-kernel wakes a sleeper for the next one that nobody takes, and whoever is woken ends its attention.
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
#include "kernel-bridge/host-io/poll_window.hpp"
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

  void work(Worker& worker, bool attentive);
  /// Answers one call; true: this worker is attentive.
  [[nodiscard]] bool serve(Worker& worker, std::uint32_t slot, Scratch& scratch);
  /// The next call for this worker; nullopt: the pool stops.
  [[nodiscard]] std::optional<std::uint32_t> next_slot(const Worker& worker, bool attentive);
  [[nodiscard]] std::optional<std::uint32_t> poll_for_slot(Clock::time_point until);
  [[nodiscard]] std::optional<std::uint32_t> sleep_for_slot();

  /// This worker is free again; true: it is attentive, since that pays and nobody else is. It believes so until it finds
  /// nothing, even if it has been woken for meanwhile.
  [[nodiscard]] bool come_back(const Worker& worker);
  void end_attention(const Worker& worker);
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
  [[nodiscard]] Status start_worker(bool attentive);
  /// Sees to it that somebody is free for the next call. Where no thread is to be had that one waits for a worker to come back.
  void keep_one_free();

  Channel& channel_;
  ReadyThreads& threads_;
  const Answer answer_;
  PollWindow window_;

  std::vector<std::unique_ptr<Worker>> workers_;  // one a slot, started from the front; the vector is constant
  std::thread canceller_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> workers_done_{false};
  std::atomic<std::uint32_t> hint_{0};  // where the next scan starts
  /// Calls taken; `posted` minus this many wait to be taken, those among them that were posted before we were there.
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<Clock::rep> idle_since_{0};  // when a worker last began to look for its next call
  /// Written with mutex_ held. Only oneself makes oneself that, so whether one is can be seen without.
  std::atomic<const Worker*> attentive_{nullptr};

  std::mutex mutex_;            // guards the rest
  std::uint32_t started_ = 0;   // workers
  std::uint32_t free_ = 0;      // workers that look for calls, without the attentive one
  std::uint32_t asleep_ = 0;    // those of them that sleep, or are about to
};

}  // namespace hobbes::host_io
