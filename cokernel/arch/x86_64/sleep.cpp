// SPDX-License-Identifier: Apache-2.0
// A futex without addresses of programs: sleepers lie in buckets by the address of their word. The word is compared
// under the bucket's lock, so that a waker, who changes it first and takes the lock then, is not missed. The host
// changes its words and rings then: its sleepers compare under the lock that the doorbell's handler takes.
#include "cokernel/arch/x86_64/sleep.hpp"

#include "cokernel/arch/x86_64/bells.hpp"
#include "cokernel/arch/x86_64/deadlines.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/kernel/clock.hpp"

namespace hobbes::lwk {
namespace x86 {
namespace {

constexpr uint32_t bucket_count = 256;

struct Bucket {
  SpinLock lock;
  List<Sleeper, SleeperWord> sleepers;
};

Bucket buckets[bucket_count];
SpinLock host_lock;
List<Sleeper, SleeperHost> host_sleepers;

Bucket& bucket_of(const uint32_t* word) {
  const uint64_t key = reinterpret_cast<uint64_t>(word) >> 2;
  return buckets[(key ^ key >> 8 ^ key >> 17) % bucket_count];
}

bool still(const port::Expected& expected) {
  return __atomic_load_n(expected.word, __ATOMIC_SEQ_CST) == expected.value;
}

/// False: the word has changed.
bool join_bucket(Sleeper& sleeper, const port::Expected& own) {
  if (own.word == nullptr) return true;
  Bucket& bucket = bucket_of(own.word);
  SpinGuard guard(bucket.lock);
  if (!still(own)) return false;
  sleeper.word = own.word;
  bucket.sleepers.push_back(sleeper);
  return true;
}

bool join_host_sleepers(Sleeper& sleeper, const port::Expected& of_host) {
  if (of_host.word == nullptr) return true;
  SpinGuard guard(host_lock);
  if (!still(of_host)) return false;
  host_sleepers.push_back(sleeper);
  return true;
}

void leave_all(Sleeper& sleeper, const port::Expected& own, const port::Expected& of_host) {
  if (own.word != nullptr) {
    SpinGuard guard(bucket_of(own.word).lock);
    sleeper.SleeperWord::unlink();
  }
  if (of_host.word != nullptr) {
    SpinGuard guard(host_lock);
    sleeper.SleeperHost::unlink();
  }
  remove_deadline(sleeper);
}

/// It need not sleep: but if somebody has claimed to wake it already, it must let itself be woken.
void change_mind(ThreadState& state) {
  Run expected = Run::asleep;
  if (!__atomic_compare_exchange_n(&state.run, &expected, Run::running, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    leave_cpu_asleep();
}

/// A kernel that is about to end does not switch any more: it goes on without what it would wait for, a little while.
void refuse_to_sleep() {
  constexpr int patience = 1'000'000;
  static int times = 0;
  if (++times > patience) x86_halt_forever();
}

/// Either word may be none.
void sleep(const port::Expected& own, const port::Expected& of_host, int64_t deadline_ns) {
  if (deadline_ns != never && monotonic_ns() >= deadline_ns) return;
  if (__atomic_load_n(&x86_stopping, __ATOMIC_RELAXED) != 0) return refuse_to_sleep();
  const InterruptsOff off;
  ThreadState& state = running_thread_state();
  Sleeper sleeper(state);
  sleeper.deadline_ns = deadline_ns;
  __atomic_store_n(&state.run, Run::asleep, __ATOMIC_SEQ_CST);  // partner: claim_wakeup
  if (join_bucket(sleeper, own) && join_host_sleepers(sleeper, of_host)) {
    if (deadline_ns != never) add_deadline(sleeper);
    leave_cpu_asleep();
  } else {
    change_mind(state);
  }
  leave_all(sleeper, own, of_host);
}

void make_all_runnable(List<Runnable>& woken) {
  while (Runnable* const item = woken.pop_front()) make_runnable(static_cast<ThreadState&>(*item));
}

}  // namespace

void wake_host_sleepers() {
  List<Runnable> woken;
  {
    SpinGuard guard(host_lock);
    while (Sleeper* const sleeper = host_sleepers.pop_front())
      if (claim_wakeup(sleeper->state)) woken.push_back(sleeper->state);
  }
  make_all_runnable(woken);
}

}  // namespace x86

namespace port {

void wait(uint32_t* word, uint32_t expected, int64_t deadline_ns) {
  x86::sleep({word, expected}, {nullptr, 0}, deadline_ns);
}

void wait_for_host(uint32_t* word, uint32_t expected, int64_t deadline_ns) {
  x86::sleep({nullptr, 0}, {word, expected}, deadline_ns);
}

void wait_for_host_or(Expected of_host, Expected own, int64_t deadline_ns) { x86::sleep(own, of_host, deadline_ns); }

void wake(uint32_t* word, int count) {
  List<Runnable> woken;
  x86::Bucket& bucket = x86::bucket_of(word);
  {
    x86::SpinGuard guard(bucket.lock);
    for (x86::Sleeper& sleeper : bucket.sleepers) {
      if (count <= 0) break;
      if (sleeper.word != word) continue;
      sleeper.x86::SleeperWord::unlink();
      if (!x86::claim_wakeup(sleeper.state)) continue;  // it is on its way already
      woken.push_back(sleeper.state);
      --count;
    }
  }
  x86::make_all_runnable(woken);
}

void wake_host(uint32_t*, int) { x86::ring_host(); }

}  // namespace port
}  // namespace hobbes::lwk
