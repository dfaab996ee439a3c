// SPDX-License-Identifier: Apache-2.0
// Futexes with an owner (FUTEX_LOCK_PI and its like): the word holds the owner's thread id, and whoever unlocks it hands
// it to the one that has waited longest, so that nobody else gets in between. Priorities decide nothing in this kernel,
// so there is none to inherit.
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/futex.hpp"
#include "cokernel/kernel/futex_queue.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

/// How many wait for owned futexes: a thread that exits need not look for any while there are none.
uint32_t owned_waiters = 0;  // atomic

struct CountOwnedWaiter : Immovable {
  // seq_cst both: whoever sees the waiter's tid in a word sees it counted; partner: the load in leave_pi_futexes.
  CountOwnedWaiter() { __atomic_add_fetch(&owned_waiters, 1, __ATOMIC_SEQ_CST); }
  ~CountOwnedWaiter() { __atomic_sub_fetch(&owned_waiters, 1, __ATOMIC_SEQ_CST); }
};

FutexWaiter* first_waiter(FutexBucket& bucket, PhysAddr key) {
  for (FutexWaiter& waiter : bucket.waiters)
    if (waiter.key == key && waiter.owner != 0) return &waiter;
  return nullptr;
}

void set_owner(FutexBucket& bucket, PhysAddr key, int owner) {
  for (FutexWaiter& waiter : bucket.waiters)
    if (waiter.key == key && waiter.owner != 0) waiter.owner = owner;
}

bool is_alive(int tid) {
  Guard guard(process_lock());
  const Thread* thread = find_thread(tid);
  return thread != nullptr && !thread->leaving;
}

void wake_owned(FutexWaiter& waiter) {
  Thread& thread = *waiter.thread;
  // release: what was done to the futex before; partner: the acquire in wait_for_lock. The waiter may be gone after it.
  __atomic_store_n(&waiter.woken, true, __ATOMIC_RELEASE);
  wake_thread(thread);
}

enum class Attempt { taken, must_wait, failed };

/// Under the bucket's lock: takes the futex if nobody has it, else leaves the mark that somebody waits.
Attempt try_take(Thread& self, FutexBucket& bucket, UserAddr address, PhysAddr key, bool mark, int& owner, int& error) {
  const auto me = static_cast<uint32_t>(self.tid);
  const FutexWaiter* first = first_waiter(bucket, key);
  uint32_t word = 0;
  error = -EFAULT;
  if (!port::load_user_word(address, word)) return Attempt::failed;
  while (true) {
    owner = static_cast<int>(word & futex_owner_bits);
    if (word != 0 && static_cast<uint32_t>(owner) == me) {
      error = -EDEADLK;
      return Attempt::failed;
    }
    if (first != nullptr && owner == 0) {  // its owner died: it is the first waiter's, or about to be
      owner = first->granted ? first->thread->tid : first->owner;
      return Attempt::must_wait;
    }
    uint32_t desired = word | futex_has_waiters;
    if (owner == 0) desired = (word & futex_owner_died) | me;
    else if (!mark) return Attempt::must_wait;
    const uint32_t seen = word;
    if (!port::compare_exchange_user_word(address, word, desired)) return Attempt::failed;
    if (word != seen) continue;
    return owner == 0 ? Attempt::taken : Attempt::must_wait;
  }
}

/// Under the bucket's lock: the futex that a dead owner left us gets our name. 0 or -EFAULT.
int take_granted(Thread& self, FutexBucket& bucket, UserAddr address, PhysAddr key) {
  set_owner(bucket, key, self.tid);
  const uint32_t more = first_waiter(bucket, key) != nullptr ? futex_has_waiters : 0;
  uint32_t word = 0;
  if (!port::load_user_word(address, word)) return -EFAULT;
  while (true) {
    const uint32_t seen = word;
    const uint32_t desired = static_cast<uint32_t>(self.tid) | futex_owner_died | more;
    if (!port::compare_exchange_user_word(address, word, desired)) return -EFAULT;
    if (word == seen) return 0;
  }
}

Sysret wait_for_lock(Thread& self, FutexBucket& bucket, FutexWaiter& waiter, UserAddr address, int64_t deadline_ns) {
  const auto woken = [&] { return __atomic_load_n(&waiter.woken, __ATOMIC_ACQUIRE); };
  const Wake wake = sleep_until(woken, deadline_ns);
  Guard guard(bucket.lock);
  const bool granted = waiter.granted;
  if (waiter.woken && !granted) return 0;  // the word has our name, and we are out of the queue
  waiter.unlink();
  if (granted) return take_granted(self, bucket, address, waiter.key);
  return wake == Wake::deadline ? -ETIMEDOUT : restart_always;
}

/// Behind the waiter's queue: the lock is its thread's, or a dead owner's who left it to it.
Sysret take_if_granted(Thread& self, FutexWaiter& waiter, UserAddr address, PhysAddr key) {
  FutexBucket& bucket = futex_bucket(key);
  Guard guard(bucket.lock);
  if (!waiter.granted) return 0;  // the word has our name
  waiter.unlink();
  return take_granted(self, bucket, address, key);
}

/// Under both buckets' locks: a waiter elsewhere gets the lock, if it is free, or waits for it from now on.
int give_or_move(FutexWaiter& waiter, FutexBucket& target, UserAddr lock, PhysAddr lock_key) {
  int owner = 0, error = 0;
  const Attempt attempt = try_take(*waiter.thread, target, lock, lock_key, true, owner, error);
  if (attempt == Attempt::failed) return error;
  if (attempt == Attempt::must_wait && !is_alive(owner)) return -ESRCH;
  waiter.unlink();
  waiter.next_key = 0;
  if (attempt == Attempt::must_wait) waiter.owner = owner;
  __atomic_store_n(&waiter.key, lock_key, __ATOMIC_RELEASE);  // partner: the acquire in leave_queue
  if (attempt == Attempt::taken) wake_owned(waiter);
  else target.waiters.push_back(waiter);
  return 0;
}

}  // namespace

Sysret lock_pi_futex(Thread& self, UserAddr address, int64_t deadline_ns, bool only_try) {
  const PhysAddr key = futex_key(*self.process, address);
  if (key == 0) return -EFAULT;
  FutexBucket& bucket = futex_bucket(key);
  CountOwnedWaiter count;
  FutexWaiter waiter;
  waiter.thread = &self;
  waiter.key = key;
  {
    Guard guard(bucket.lock);
    int error = 0;
    switch (try_take(self, bucket, address, key, !only_try, waiter.owner, error)) {
      case Attempt::taken: return 0;
      case Attempt::failed: return error;
      case Attempt::must_wait: break;
    }
    if (only_try) return -EAGAIN;
    // An owner that is leaving passes this bucket after it is marked, and one that has left is nobody to wait for.
    if (!is_alive(waiter.owner)) {
      uint32_t word = 0;
      if (!port::load_user_word(address, word)) return -EFAULT;
      return (word & futex_owner_bits) == static_cast<uint32_t>(waiter.owner) ? -ESRCH : restart_always;
    }
    bucket.waiters.push_back(waiter);
  }
  return wait_for_lock(self, bucket, waiter, address, deadline_ns);
}

Sysret wait_requeue_pi(Thread& self, UserAddr address, uint32_t expected, int64_t deadline_ns, UserAddr lock) {
  if (lock % sizeof(uint32_t) != 0) return -EINVAL;
  const PhysAddr key = futex_key(*self.process, address);
  FutexWaiter waiter;
  waiter.next_key = futex_key(*self.process, lock);
  if (key == 0 || waiter.next_key == 0) return -EFAULT;
  if (key == waiter.next_key) return -EINVAL;
  const PhysAddr lock_key = waiter.next_key;
  waiter.thread = &self;
  waiter.key = key;
  const CountOwnedWaiter count;
  Wake wake{};
  if (const int error = wait_in_queue(waiter, address, expected, deadline_ns, wake); error != 0) return error;
  if (leave_queue(waiter)) {
    // Moved already it does not begin anew: the word that it waited on has changed.
    if (wake == Wake::deadline) return -ETIMEDOUT;
    return waiter.next_key != 0 ? restart_always : -EAGAIN;
  }
  return take_if_granted(self, waiter, lock, lock_key);
}

Sysret requeue_pi(Process& process, UserAddr from, int move_count, UserAddr lock, uint32_t expected) {
  if (move_count < 0 || lock % sizeof(uint32_t) != 0) return -EINVAL;
  const PhysAddr key = futex_key(process, from);
  const PhysAddr lock_key = futex_key(process, lock);
  if (key == 0 || lock_key == 0) return -EFAULT;
  if (key == lock_key) return -EINVAL;
  FutexBucket& source = futex_bucket(key);
  FutexBucket& target = futex_bucket(lock_key);
  const DeferredWakes wakes;
  TwoGuards guards(source, target);
  if (const int error = check_word(from, expected); error != 0) return error;
  int done = 0;
  for (FutexWaiter& waiter : source.waiters) {
    if (done > move_count) break;  // one more than that: the first gets the lock, or is the first to wait for it
    if (waiter.key != key || waiter.owner != 0) continue;
    if (waiter.next_key != lock_key) return -EINVAL;
    if (const int error = give_or_move(waiter, target, lock, lock_key); error != 0) return done > 0 ? done : error;
    ++done;
  }
  return done;
}

Sysret unlock_pi_futex(Thread& self, UserAddr address) {
  uint32_t word = 0;
  if (!port::load_user_word(address, word)) return -EFAULT;
  if ((word & futex_owner_bits) != static_cast<uint32_t>(self.tid)) return -EPERM;
  const PhysAddr key = futex_key(*self.process, address);
  if (key == 0) return -EFAULT;
  FutexBucket& bucket = futex_bucket(key);
  const DeferredWakes wakes;
  Guard guard(bucket.lock);
  FutexWaiter* heir = first_waiter(bucket, key);
  while (true) {
    const uint32_t desired = heir != nullptr ? static_cast<uint32_t>(heir->thread->tid) | futex_has_waiters : 0;
    const uint32_t seen = word;
    if (!port::compare_exchange_user_word(address, word, desired)) return -EFAULT;
    if (word == seen) break;
  }
  if (heir == nullptr) return 0;
  heir->unlink();
  set_owner(bucket, key, heir->thread->tid);
  wake_owned(*heir);
  return 0;
}

void leave_pi_futexes(Thread& self) {
  {
    Guard guard(process_lock());
    self.leaving = true;
  }
  if (__atomic_load_n(&owned_waiters, __ATOMIC_SEQ_CST) == 0) return;
  for (uint32_t i = 0; i < futex_bucket_count; ++i) {
    FutexBucket& bucket = futex_bucket_at(i);
    Guard guard(bucket.lock);
    for (FutexWaiter& waiter : bucket.waiters) {
      if (waiter.owner != self.tid) continue;
      // The first of this futex; it stays in the queue until it has written its name, so that nobody overtakes it.
      set_owner(bucket, waiter.key, waiter.thread->tid);
      waiter.granted = true;
      wake_owned(waiter);
    }
  }
}

}  // namespace hobbes::lwk
