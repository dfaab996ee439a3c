// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/wait_queue.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

void wake_thread(Thread& thread) {
  // seq_cst: ordered after the change of the condition; partner: the load in wake_word() before the condition is tested.
  __atomic_add_fetch(&thread.wake_word, 1, __ATOMIC_SEQ_CST);
  port::wake(&thread.wake_word, 1);
}

void WaitQueue::wake_all(uint32_t events) {
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
  const Asleep asleep;
  port::wait(&port::current().wake_word, seen, deadline_ns);
  return true;
}

}  // namespace detail
}  // namespace hobbes::lwk
