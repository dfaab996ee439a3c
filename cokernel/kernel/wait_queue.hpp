// SPDX-License-Identifier: Apache-2.0
// WaitQueue: threads that sleep until something changes, and others that hear of it.
//
// A sleeper enqueues itself first, then tests its condition, then sleeps on its own wake word; a waker changes the
// condition first, then advances the words of those queued. Either the sleeper sees the change, or its word has moved and
// it does not sleep. Before it does, it looks for a while, where no other thread wants its CPU.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Thread;

class WaitQueue;

/// Somebody in a queue.
class Listener : ListNode, Immovable {
 public:
  virtual ~Listener() = default;  // who derives leaves first
  void join(WaitQueue& queue);
  void leave();
  /// A wake-up. Under the queue's lock, and whatever its waker holds.
  virtual void hear(uint32_t events) = 0;

 private:
  friend class List<Listener>;
  friend class WaitQueue;
  WaitQueue* queue_ = nullptr;
};

class WaitQueue : Immovable {
 public:
  static constexpr uint32_t any_event = ~0u;
  /// `events`: what of a file has changed, as poll tells it; a hint for those who wait for other things.
  void wake_all(uint32_t events = any_event);

 private:
  friend class Listener;
  Mutex mutex_;
  List<Listener> listeners_;
};

/// The running thread's presence in a queue.
class Waiter final : public Listener {
 public:
  Waiter() = default;
  explicit Waiter(WaitQueue& queue) { join(queue); }
  ~Waiter() override { leave(); }
  void join(WaitQueue& queue);
  void hear(uint32_t events) override;

 private:
  Thread* thread_ = nullptr;
};

enum class Wake { condition, deadline, signal };

/// Sleeps until `condition()` holds, the deadline passes, or a signal is pending for the running thread (or it is being
/// killed). The caller has joined the queues whose wake_all() follows a change of the condition, and holds no lock.
template <typename Condition>
[[nodiscard]] Wake sleep_until(Condition condition, int64_t deadline_ns);

/// The same, whatever signals come: another thread is at work for the running one, which cannot leave.
template <typename Condition>
void sleep_until_done(Condition condition);

/// While it lives, the running thread sleeps in the port, on its wake word at least: whoever wakes it tells the port.
class Asleep : Immovable {
 public:
  Asleep();
  ~Asleep();

 private:
  Thread& thread_;
};

/// While the outermost one lives, the wake-ups that the running thread makes are gathered; then the port hears of them.
/// Declared before a guard: the sleeper, who may run at once in its waker's place, finds the lock free.
class DeferredWakes : Immovable {
 public:
  DeferredWakes();
  ~DeferredWakes();

 private:
  friend void wake_thread(Thread& thread);
  void add(uint32_t* word);
  void flush();

  static constexpr uint32_t most = 16;
  Thread& waker_;
  bool outermost_;
  uint32_t count_ = 0;
  uint32_t* words_[most];  ///< of threads that may have gone meanwhile: a wake-up for nobody is harmless
};

/// Wakes one thread from sleep_until, to look again.
void wake_thread(Thread& thread);

namespace detail {
[[nodiscard]] uint32_t wake_word();
[[nodiscard]] bool must_leave_sleep();
[[nodiscard]] bool sleep_once(uint32_t seen, int64_t deadline_ns);  ///< false: the deadline has passed
}  // namespace detail

template <typename Condition>
Wake sleep_until(Condition condition, int64_t deadline_ns) {
  while (true) {
    const uint32_t seen = detail::wake_word();
    if (condition()) return Wake::condition;
    if (detail::must_leave_sleep()) return Wake::signal;
    if (!detail::sleep_once(seen, deadline_ns)) return condition() ? Wake::condition : Wake::deadline;
  }
}

template <typename Condition>
void sleep_until_done(Condition condition) {
  while (true) {
    const uint32_t seen = detail::wake_word();
    if (condition()) return;
    (void)detail::sleep_once(seen, never);
  }
}

}  // namespace hobbes::lwk
