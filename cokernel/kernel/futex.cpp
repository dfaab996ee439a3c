// SPDX-License-Identifier: Apache-2.0
// A hash table of wait queues. A waiter enqueues itself under its bucket's lock after it has seen the expected value there;
// a waker takes the same lock, so no wake-up is lost between the two.
#include "cokernel/kernel/futex.hpp"

#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/futex_queue.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr int op_wait = 0, op_wake = 1, op_requeue = 3, op_cmp_requeue = 4, op_wake_op = 5, op_lock_pi = 6,
              op_unlock_pi = 7, op_trylock_pi = 8, op_wait_bitset = 9, op_wake_bitset = 10, op_wait_requeue_pi = 11,
              op_cmp_requeue_pi = 12, op_lock_pi2 = 13;
constexpr int flag_private = 128, flag_realtime = 256;

FutexBucket buckets[futex_bucket_count];

int wake_locked(FutexBucket& bucket, PhysAddr key, int count, uint32_t bits) {
  int woken = 0;
  for (FutexWaiter& waiter : bucket.waiters) {
    if (waiter.key != key || waiter.owner != 0 || (waiter.bits & bits) == 0) continue;
    if (waiter.next_key != 0) return -EINVAL;  // it waits to be given a lock
    Thread& thread = *waiter.thread;
    waiter.unlink();
    __atomic_store_n(&waiter.woken, true, __ATOMIC_RELEASE);  // partner: the acquire in wait_in_queue(); then the waiter may vanish
    wake_thread(thread);
    if (++woken >= count) break;  // one at least, as Linux does
  }
  return woken;
}

int wake(PhysAddr key, int count, uint32_t bits) {
  FutexBucket& bucket = futex_bucket(key);
  const DeferredWakes wakes;
  Guard guard(bucket.lock);
  return wake_locked(bucket, key, count, bits);
}

Sysret wait(Thread& self, UserAddr address, uint32_t expected, int64_t deadline_ns, uint32_t bits) {
  if (bits == 0) return -EINVAL;
  const PhysAddr key = futex_key(*self.process, address);
  if (key == 0) return -EFAULT;
  FutexWaiter waiter;
  waiter.thread = &self;
  waiter.key = key;
  waiter.bits = bits;
  Wake wake{};
  if (const int error = wait_in_queue(waiter, address, expected, deadline_ns, wake); error != 0) return error;
  if (!leave_queue(waiter)) return 0;
  return wake == Wake::deadline ? -ETIMEDOUT : restart_call;
}

Sysret requeue(Process& process, UserAddr from, int wake_count, int move_count, UserAddr to, const uint32_t* expected) {
  if (wake_count < 0 || move_count < 0) return -EINVAL;
  if (to % sizeof(uint32_t) != 0) return -EINVAL;
  const PhysAddr from_key = futex_key(process, from);
  const PhysAddr to_key = futex_key(process, to);
  if (from_key == 0 || to_key == 0) return -EFAULT;
  FutexBucket& source = futex_bucket(from_key);
  FutexBucket& target = futex_bucket(to_key);
  const DeferredWakes wakes;
  TwoGuards guards(source, target);
  if (const int error = expected != nullptr ? check_word(from, *expected) : 0; error != 0) return error;
  const int woken = wake_count > 0 ? wake_locked(source, from_key, wake_count, any_futex_bits) : 0;
  if (woken < 0) return woken;
  int moved = 0;
  for (FutexWaiter& waiter : source.waiters) {
    if (moved == move_count) break;
    if (waiter.key != from_key || waiter.owner != 0) continue;
    if (waiter.next_key != 0) return -EINVAL;
    ++moved;
    if (from_key == to_key) continue;  // counted only: moved to the end it would be met again
    waiter.unlink();
    __atomic_store_n(&waiter.key, to_key, __ATOMIC_RELEASE);  // partner: the acquire in wait_in_queue()
    target.waiters.push_back(waiter);
  }
  return woken + moved;
}

/// The lowest twelve bits, as a signed number.
uint32_t sign_extended(uint32_t bits) { return static_cast<uint32_t>(static_cast<int32_t>(bits << 20) >> 20); }

/// FUTEX_WAKE_OP: changes *second, wakes on the first, and on the second if its old value compares.
Sysret wake_op(Process& process, UserAddr first, int first_count, UserAddr second, int second_count, uint32_t code) {
  if (second % sizeof(uint32_t) != 0) return -EINVAL;
  const PhysAddr first_key = futex_key(process, first);
  const PhysAddr second_key = futex_key(process, second);
  if (first_key == 0 || second_key == 0) return -EFAULT;
  uint32_t operand = sign_extended(code >> 12);
  const uint32_t compare = sign_extended(code);
  if ((code >> 31) != 0) operand = 1u << (operand & 31);
  FutexBucket& a = futex_bucket(first_key);
  FutexBucket& b = futex_bucket(second_key);
  const DeferredWakes wakes;
  TwoGuards guards(a, b);
  uint32_t old = 0;
  if (!port::load_user_word(second, old)) return -EFAULT;
  while (true) {
    uint32_t desired = old;
    switch (code >> 28 & 7) {
      case 0: desired = operand; break;
      case 1: desired = old + operand; break;
      case 2: desired = old | operand; break;
      case 3: desired = old & ~operand; break;
      case 4: desired = old ^ operand; break;
      default: return -ENOSYS;
    }
    const uint32_t seen = old;
    if (!port::compare_exchange_user_word(second, old, desired)) return -EFAULT;
    if (old == seen) break;
  }
  bool holds = false;
  const auto left = static_cast<int32_t>(old);
  const auto right = static_cast<int32_t>(compare);
  switch (code >> 24 & 0xf) {
    case 0: holds = left == right; break;
    case 1: holds = left != right; break;
    case 2: holds = left < right; break;
    case 3: holds = left <= right; break;
    case 4: holds = left > right; break;
    case 5: holds = left >= right; break;
    default: return -ENOSYS;
  }
  const int woken = wake_locked(a, first_key, first_count, any_futex_bits);
  if (!holds || woken < 0) return woken;
  const int more = wake_locked(b, second_key, second_count, any_futex_bits);
  return more < 0 ? more : woken + more;
}

bool has_timeout(int operation) {
  return operation == op_wait || operation == op_wait_bitset || operation == op_lock_pi || operation == op_lock_pi2 ||
         operation == op_wait_requeue_pi;
}

/// Reads the timeout of a waiting operation: relative for FUTEX_WAIT, absolute for the rest.
int read_deadline(UserAddr address, int operation, bool realtime, int64_t& deadline_ns) {
  deadline_ns = never;
  if (address == 0) return 0;
  TimeSpec time;
  if (!read_user(address, time)) return -EFAULT;
  if (!is_valid(time)) return -EINVAL;
  deadline_ns = to_ns(time);
  if (operation == op_wait) deadline_ns += monotonic_ns();
  else if (realtime) deadline_ns += monotonic_ns() - realtime_ns();
  return 0;
}

/// A call that a signal ended starts anew if no handler ran; a relative timeout cannot.
Sysret interruptible(Sysret result, int operation, int64_t deadline_ns) {
  if (result != restart_call || deadline_ns == never) return result;
  return operation == op_wait ? -EINTR : restart_never_handled;
}

}  // namespace

int check_word(UserAddr address, uint32_t expected) {
  uint32_t value = 0;
  if (!port::load_user_word(address, value)) return -EFAULT;
  return value == expected ? 0 : -EAGAIN;
}

int wait_in_queue(FutexWaiter& waiter, UserAddr address, uint32_t expected, int64_t deadline_ns, Wake& wake) {
  {
    FutexBucket& bucket = futex_bucket(waiter.key);
    Guard guard(bucket.lock);
    if (const int error = check_word(address, expected); error != 0) return error;
    bucket.waiters.push_back(waiter);
  }
  wake = sleep_until([&] { return __atomic_load_n(&waiter.woken, __ATOMIC_ACQUIRE); }, deadline_ns);
  return 0;
}

bool leave_queue(FutexWaiter& waiter) {
  while (true) {
    // A requeue may have moved it to another bucket meanwhile.
    FutexBucket& now = futex_bucket(__atomic_load_n(&waiter.key, __ATOMIC_ACQUIRE));
    Guard guard(now.lock);
    if (&futex_bucket(waiter.key) != &now) continue;
    if (waiter.woken) return false;
    waiter.unlink();
    return true;
  }
}

FutexBucket& futex_bucket_at(uint32_t index) { return buckets[index]; }

FutexBucket& futex_bucket(PhysAddr key) {
  constexpr uint64_t golden = 0x9e3779b97f4a7c15;
  static_assert(futex_bucket_count == 256);
  return buckets[(key >> 2) * golden >> 56];
}

PhysAddr futex_key(Process& process, UserAddr address) {
  constexpr uint64_t size = sizeof(uint32_t);
  Extent piece;
  if (!is_user_range(address, size)) return 0;
  const bool other_rank = address >= process.space.end() && process.smartmap_rank != nullptr;
  const bool found = other_rank ? process.app->smartmap->locate(address, size, port::prot_read, piece)
                                : process.space.locate(address, size, port::prot_read, piece);
  return found && piece.size == size ? piece.base : 0;
}

int wake_futex(UserAddr address, int count) {
  const PhysAddr key = futex_key(*port::current().process, address);
  return key == 0 ? 0 : wake(key, count, any_futex_bits);
}

Sysret sys_futex(Thread& self, const Args& args) {
  const UserAddr address = args[0];
  const int operation = static_cast<int>(args[1]) & ~(flag_private | flag_realtime);
  const bool realtime = (args[1] & flag_realtime) != 0;
  const auto value = static_cast<uint32_t>(args[2]);
  const int count = static_cast<int>(args[2]);
  int64_t deadline_ns = never;
  if (has_timeout(operation)) {
    const bool of_realtime = realtime || operation == op_lock_pi;
    if (const int error = read_deadline(args[3], operation, of_realtime, deadline_ns); error != 0) return error;
  }
  if (realtime && operation != op_wait_bitset && operation != op_lock_pi2 && operation != op_wait_requeue_pi)
    return -ENOSYS;
  if (address % sizeof(uint32_t) != 0) return -EINVAL;
  switch (operation) {
    case op_wait:
    case op_wait_bitset: {
      const uint32_t bits = operation == op_wait ? any_futex_bits : static_cast<uint32_t>(args[5]);
      return interruptible(wait(self, address, value, deadline_ns, bits), operation, deadline_ns);
    }
    case op_wake:
    case op_wake_bitset: {
      const uint32_t bits = operation == op_wake ? any_futex_bits : static_cast<uint32_t>(args[5]);
      if (bits == 0) return -EINVAL;
      const PhysAddr key = futex_key(*self.process, address);
      return key == 0 ? -EFAULT : wake(key, count, bits);
    }
    case op_requeue:
      return requeue(*self.process, address, count, static_cast<int>(args[3]), args[4], nullptr);
    case op_cmp_requeue: {
      const auto expected = static_cast<uint32_t>(args[5]);
      return requeue(*self.process, address, count, static_cast<int>(args[3]), args[4], &expected);
    }
    case op_wake_op:
      return wake_op(*self.process, address, count, args[4], static_cast<int>(args[3]),
                     static_cast<uint32_t>(args[5]));
    case op_lock_pi:
    case op_lock_pi2:
    case op_trylock_pi:
      return lock_pi_futex(self, address, deadline_ns, operation == op_trylock_pi);
    case op_unlock_pi: return unlock_pi_futex(self, address);
    case op_wait_requeue_pi: return wait_requeue_pi(self, address, value, deadline_ns, args[4]);
    case op_cmp_requeue_pi:
      if (count != 1) return -EINVAL;
      return requeue_pi(*self.process, address, static_cast<int>(args[3]), args[4], static_cast<uint32_t>(args[5]));
    default: return -ENOSYS;
  }
}

}  // namespace hobbes::lwk
