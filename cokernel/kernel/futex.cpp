// SPDX-License-Identifier: Apache-2.0
// A hash table of wait queues. A waiter enqueues itself under its bucket's lock after it has seen the expected value there;
// a waker takes the same lock, so no wake-up is lost between the two.
#include "cokernel/kernel/futex.hpp"

#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t bucket_count = 256;
constexpr int op_wait = 0, op_wake = 1, op_requeue = 3, op_cmp_requeue = 4, op_wake_op = 5, op_wait_bitset = 9,
              op_wake_bitset = 10;
constexpr int flag_private = 128, flag_realtime = 256;
constexpr uint32_t any_bits = ~0u;
constexpr uint32_t owner_died = 0x40000000, has_waiters = 0x80000000, owner_bits = 0x3fffffff;
constexpr int robust_limit = 2048;

struct FutexWaiter : ListNode {
  Thread* thread = nullptr;
  PhysAddr key = 0;
  uint32_t bits = any_bits;
  bool woken = false;  // under the bucket's lock; read without it by its own thread
};

struct Bucket {
  Mutex lock;
  List<FutexWaiter> waiters;
};

Bucket buckets[bucket_count];

Bucket& bucket_of(PhysAddr key) {
  constexpr uint64_t golden = 0x9e3779b97f4a7c15;
  return buckets[(key >> 2) * golden >> 56];
}

/// 0: not mapped.
PhysAddr key_of(Process& process, UserAddr address) {
  uint64_t contiguous = 0;
  void* pointer = process.space.direct(address, sizeof(uint32_t), port::prot_read, contiguous);
  return pointer == nullptr || contiguous < sizeof(uint32_t) ? 0 : port::physical(pointer);
}

int wake_locked(Bucket& bucket, PhysAddr key, int count, uint32_t bits) {
  int woken = 0;
  for (FutexWaiter& waiter : bucket.waiters) {
    if (woken == count) break;
    if (waiter.key != key || (waiter.bits & bits) == 0) continue;
    Thread& thread = *waiter.thread;
    waiter.unlink();
    __atomic_store_n(&waiter.woken, true, __ATOMIC_RELEASE);  // partner: the acquire in wait(); then the waiter may vanish
    wake_thread(thread);
    ++woken;
  }
  return woken;
}

int wake(PhysAddr key, int count, uint32_t bits) {
  Bucket& bucket = bucket_of(key);
  Guard guard(bucket.lock);
  return wake_locked(bucket, key, count, bits);
}

/// Both buckets' locks, lower address first.
class TwoGuards : Immovable {
 public:
  TwoGuards(Bucket& a, Bucket& b) : first_(&a < &b ? a : b), second_(&a < &b ? b : a) {
    first_.lock.lock();
    if (&first_ != &second_) second_.lock.lock();
  }
  ~TwoGuards() {
    if (&first_ != &second_) second_.lock.unlock();
    first_.lock.unlock();
  }

 private:
  Bucket& first_;
  Bucket& second_;
};

Sysret wait(Thread& self, UserAddr address, uint32_t expected, int64_t deadline_ns, uint32_t bits) {
  if (bits == 0) return -EINVAL;
  const PhysAddr key = key_of(*self.process, address);
  if (key == 0) return -EFAULT;
  Bucket& bucket = bucket_of(key);
  FutexWaiter waiter;
  waiter.thread = &self;
  waiter.key = key;
  waiter.bits = bits;
  {
    Guard guard(bucket.lock);
    uint32_t value = 0;
    if (!port::load_user_word(address, value)) return -EFAULT;
    if (value != expected) return -EAGAIN;
    bucket.waiters.push_back(waiter);
  }
  const Wake wake = sleep_until([&] { return __atomic_load_n(&waiter.woken, __ATOMIC_ACQUIRE); }, deadline_ns);
  while (true) {
    // A requeue may have moved it to another bucket meanwhile.
    Bucket& now = bucket_of(__atomic_load_n(&waiter.key, __ATOMIC_ACQUIRE));
    Guard guard(now.lock);
    if (&bucket_of(waiter.key) != &now) continue;
    if (waiter.woken) return 0;
    waiter.unlink();
    break;
  }
  return wake == Wake::deadline ? -ETIMEDOUT : restart_call;
}

Sysret requeue(Process& process, UserAddr from, int wake_count, int move_count, UserAddr to, const uint32_t* expected) {
  const PhysAddr from_key = key_of(process, from);
  const PhysAddr to_key = key_of(process, to);
  if (from_key == 0 || to_key == 0) return -EFAULT;
  if (wake_count < 0 || move_count < 0) return -EINVAL;
  Bucket& source = bucket_of(from_key);
  Bucket& target = bucket_of(to_key);
  TwoGuards guards(source, target);
  if (expected != nullptr) {
    uint32_t value = 0;
    if (!port::load_user_word(from, value)) return -EFAULT;
    if (value != *expected) return -EAGAIN;
  }
  int done = wake_locked(source, from_key, wake_count, any_bits);
  int moved = 0;
  for (FutexWaiter& waiter : source.waiters) {
    if (moved == move_count) break;
    if (waiter.key != from_key) continue;
    waiter.unlink();
    __atomic_store_n(&waiter.key, to_key, __ATOMIC_RELEASE);  // partner: the acquire in wait()
    target.waiters.push_back(waiter);
    ++moved;
  }
  done += moved;
  return done;
}

/// FUTEX_WAKE_OP: changes *second, wakes on the first, and on the second if its old value compares.
Sysret wake_op(Process& process, UserAddr first, int first_count, UserAddr second, int second_count, uint32_t code) {
  const PhysAddr first_key = key_of(process, first);
  const PhysAddr second_key = key_of(process, second);
  if (first_key == 0 || second_key == 0) return -EFAULT;
  uint32_t operand = code >> 12 & 0xfff;
  const uint32_t compare = code & 0xfff;
  if ((code >> 31) != 0) operand = 1u << (operand & 31);
  Bucket& a = bucket_of(first_key);
  Bucket& b = bucket_of(second_key);
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
  int woken = wake_locked(a, first_key, first_count, any_bits);
  if (holds) woken += wake_locked(b, second_key, second_count, any_bits);
  return woken;
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

}  // namespace

int wake_futex(UserAddr address, int count) {
  const PhysAddr key = key_of(*port::current().process, address);
  return key == 0 ? 0 : wake(key, count, any_bits);
}

void release_robust_futexes(Thread& self) {
  // struct robust_list_head {next, offset, pending}; the list is the program's and may be anything.
  struct Head {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
  } head;
  if (self.robust_list == 0 || !read_user(self.robust_list, head)) return;
  const auto hand_on = [&](UserAddr entry) {
    const UserAddr word = entry + static_cast<uint64_t>(head.offset);
    uint32_t value = 0;
    if (!is_user_range(word, sizeof(value)) || word % sizeof(value) != 0) return;
    while (port::load_user_word(word, value) && (value & owner_bits) == static_cast<uint32_t>(self.tid)) {
      const uint32_t seen = value;
      if (!port::compare_exchange_user_word(word, value, (value & has_waiters) | owner_died)) return;
      if (value != seen) continue;
      if ((seen & has_waiters) != 0) wake_futex(word, 1);
      return;
    }
  };
  UserAddr entry = head.next;
  for (int i = 0; i < robust_limit && (entry & ~1ull) != self.robust_list; ++i) {
    uint64_t next = 0;
    if (!read_user(entry & ~1ull, next)) return;
    if (entry != head.pending) hand_on(entry & ~1ull);
    entry = next;
  }
  if (head.pending != 0) hand_on(head.pending & ~1ull);
}

Sysret sys_futex(Thread& self, const Args& args) {
  const UserAddr address = args[0];
  const int operation = static_cast<int>(args[1]) & ~(flag_private | flag_realtime);
  const auto value = static_cast<uint32_t>(args[2]);
  const int count = static_cast<int>(args[2]);
  if (!is_user_range(address, sizeof(uint32_t))) return -EFAULT;
  if (address % sizeof(uint32_t) != 0) return -EINVAL;
  switch (operation) {
    case op_wait:
    case op_wait_bitset: {
      int64_t deadline_ns = never;
      const bool realtime = (args[1] & flag_realtime) != 0;
      if (const int error = read_deadline(args[3], operation, realtime, deadline_ns); error != 0) return error;
      const uint32_t bits = operation == op_wait ? any_bits : static_cast<uint32_t>(args[5]);
      const Sysret result = wait(self, address, value, deadline_ns, bits);
      // A relative timeout cannot simply be started anew.
      return result == restart_call && operation == op_wait && deadline_ns != never ? -EINTR : result;
    }
    case op_wake:
    case op_wake_bitset: {
      const PhysAddr key = key_of(*self.process, address);
      const uint32_t bits = operation == op_wake ? any_bits : static_cast<uint32_t>(args[5]);
      if (bits == 0) return -EINVAL;
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
    default:
      return -ENOSYS;
  }
}

}  // namespace hobbes::lwk
