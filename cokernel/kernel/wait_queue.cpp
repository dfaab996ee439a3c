// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/wait_queue.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/spin.hpp"

namespace hobbes::lwk {
namespace {

/// So long a wake-up is looked for before it is slept for: about what the two ways cost on a machine that wakes slowly.
constexpr int64_t poll_ns = 50'000;

/// Whether the wake-up came. It is not looked for while another thread could use the CPU, nor beyond the deadline.
bool poll_for_wake(const Thread& self, uint32_t seen, int64_t deadline_ns) {
  if (!has_idle_time(0)) return false;
  const int64_t until = min(deadline_ns, monotonic_ns() + poll_ns);
  return spin_until([&] { return __atomic_load_n(&self.wake_word, __ATOMIC_SEQ_CST) != seen; },  // partner: wake_thread
                    [&] { return has_idle_time(0) && monotonic_ns() < until; });
}

}  // namespace

void wake_thread(Thread& thread) {
  // seq_cst: ordered after the change of the condition; partner: the load in wake_word() before the condition is tested.
  __atomic_add_fetch(&thread.wake_word, 1, __ATOMIC_SEQ_CST);
  // seq_cst: after the word has moved; partner: Asleep(). Who is not marked yet has still to compare the word.
  if (__atomic_load_n(&thread.asleep, __ATOMIC_SEQ_CST) == 0 || __atomic_exchange_n(&thread.asleep, 0, __ATOMIC_SEQ_CST) == 0)
    return;
  count_busy_thread(thread);
  if (DeferredWakes* deferred = port::current().deferred_wakes; deferred != nullptr) deferred->add(&thread.wake_word);
  else port::wake(&thread.wake_word, 1);
}

DeferredWakes::DeferredWakes() : waker_(port::current()), outermost_(waker_.deferred_wakes == nullptr) {
  if (outermost_) waker_.deferred_wakes = this;
}

DeferredWakes::~DeferredWakes() {
  if (!outermost_) return;
  waker_.deferred_wakes = nullptr;
  flush();
}

void DeferredWakes::add(uint32_t* word) {
  if (count_ == most) flush();
  words_[count_++] = word;
}

void DeferredWakes::flush() {
  for (uint32_t i = 0; i < count_; ++i) port::wake(words_[i], 1);
  count_ = 0;
}

Asleep::Asleep() : thread_(port::current()) {
  // seq_cst: before the port compares the wake word; partner: wake_thread().
  __atomic_store_n(&thread_.asleep, 1, __ATOMIC_SEQ_CST);
  count_idle_thread(thread_);
}

Asleep::~Asleep() {
  if (__atomic_exchange_n(&thread_.asleep, 0, __ATOMIC_SEQ_CST) == 1) count_busy_thread(thread_);  // nobody woke it
}

void WaitQueue::wake_all(uint32_t events) {
  const DeferredWakes wakes;
  Guard guard(mutex_);
  for (Listener& listener : listeners_) listener.hear(events);
}

void Listener::join(WaitQueue& queue) {
  leave();
  queue_ = &queue;
  Guard guard(queue.mutex_);
  queue.listeners_.push_back(*this);
}

void Listener::leave() {
  if (queue_ == nullptr) return;
  Guard guard(queue_->mutex_);
  unlink();
  queue_ = nullptr;
}

void Waiter::join(WaitQueue& queue) {
  thread_ = &port::current();
  Listener::join(queue);
}

void Waiter::hear(uint32_t) { wake_thread(*thread_); }

namespace detail {

uint32_t wake_word() { return __atomic_load_n(&port::current().wake_word, __ATOMIC_SEQ_CST); }

bool must_leave_sleep() { return signal_pending(port::current()); }

bool sleep_once(uint32_t seen, int64_t deadline_ns) {
  if (deadline_ns != never && monotonic_ns() >= deadline_ns) return false;
  Thread& self = port::current();
  if (poll_for_wake(self, seen, deadline_ns)) return true;
  const Asleep asleep;
  port::wait(&self.wake_word, seen, deadline_ns);
  return true;
}

}  // namespace detail
}  // namespace hobbes::lwk
