// SPDX-License-Identifier: Apache-2.0
// WaitQueue: threads that sleep until something changes.
//
// A sleeper enqueues itself first, then tests its condition, then sleeps on its own wake word; a waker changes the
// condition first, then advances the words of those queued. Either the sleeper sees the change, or its word has moved and
// it does not sleep.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/lock.hpp"

namespace hobbes::lwk {

struct Thread;

class WaitQueue : Immovable {
 public:
  void wake_all();

 private:
  friend class Waiter;
  struct Entry : ListNode {
    Thread* thread = nullptr;
  };

  Mutex mutex_;
  List<Entry> entries_;
};

/// The running thread's presence in a queue.
class Waiter : Immovable {
 public:
  Waiter() = default;
  explicit Waiter(WaitQueue& queue) { join(queue); }
  ~Waiter() { leave(); }
  void join(WaitQueue& queue);
  void leave();

 private:
  WaitQueue* queue_ = nullptr;
  WaitQueue::Entry entry_;
};

enum class Wake { condition, deadline, signal };

/// Sleeps until `condition()` holds, the deadline passes, or a signal is pending for the running thread (or it is being
/// killed). The caller has joined the queues whose wake_all() follows a change of the condition, and holds no lock.
template <typename Condition>
[[nodiscard]] Wake sleep_until(Condition condition, int64_t deadline_ns);

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

}  // namespace hobbes::lwk
