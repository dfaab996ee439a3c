// SPDX-License-Identifier: Apache-2.0
// Who writes what, and the two places where a sleeper could be missed, stand in abi/host_io.h. Here:
//
//        this side                              proxy
//   C1   state = POSTED                    P1   sleepers = n
//   C2   posted += 1                       P2   seen = posted
//        ---- full barrier ----                 ---- full barrier ----
//   C3   sleepers != 0: wake `posted`      P3   look for POSTED; none: sleep while posted == seen
//
//   C4   waiter = 1                        P4   state = DONE
//        ---- full barrier ----                 ---- full barrier ----
//   C5   sleep while state != DONE         P5   waiter != 0: wake `state`
//
// `sleepers` may say 0 for a worker that a call keeps: who is about to sleep, or does not wait at all, wakes one anyway if the
// call is still POSTED.
#include "cokernel/kernel/fs/host_io.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/spin.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

// How long a caller looks for its result before it sleeps: 50 us, what it may take a sleeper on another CPU to wake up.
// And for what takes its time, as long as that takes at the least.
constexpr uint64_t spins_per_second = 20'000;
constexpr uint64_t copied_per_second = 2ull << 30;
constexpr uint64_t much_to_copy = 64 << 10;
constexpr int rests_of_a_copy = 8;
// A proxy may die unseen.
constexpr int64_t look_again_ns = 100'000'000;
constexpr int64_t claim_again_ns = 1'000'000;

// Sleepers for any channel's slot; a wake too many is harmless.
WaitQueue slot_freed;
uint32_t claim_waiters = 0;  // atomic; seq_cst with the states: whoever frees a slot sees who waits for it

void hand_over(hobbes_hio_channel& channel, hobbes_hio_slot& slot) {
  // relaxed: the release of POSTED orders them. Atomic, because the proxy may still look at them for the call before.
  __atomic_store_n(&slot.cancel, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.waiter, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.state, HOBBES_HIO_POSTED, __ATOMIC_RELEASE);  // partner: the worker's acquire
  __atomic_add_fetch(&channel.posted, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&channel.sleepers, __ATOMIC_SEQ_CST) != 0) port::wake_host(&channel.posted, 1);
}

/// A free slot, now CLAIMED; null: there is none.
hobbes_hio_slot* claim_slot(hobbes_hio_channel& channel) {
  for (hobbes_hio_slot& slot : channel.slots) {
    uint32_t free = HOBBES_HIO_FREE;
    if (__atomic_load_n(&slot.state, __ATOMIC_SEQ_CST) != free) continue;
    // acquire: the previous owner is done with the slot; partner: its FREE.
    if (__atomic_compare_exchange_n(&slot.state, &free, HOBBES_HIO_CLAIMED, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
      return &slot;
  }
  return nullptr;
}

}  // namespace

void dismiss_proxy(hobbes_hio_channel& channel) {
  // Without a free slot its calls hang at the host; leviathan ends such a proxy after a grace time.
  hobbes_hio_slot* slot = claim_slot(channel);
  if (slot == nullptr) return;
  slot->nr = HOBBES_HIO_EXIT;
  hand_over(channel, *slot);
  port::wake_host(&channel.posted, 1);
}

bool is_known_to_proxy(const hobbes_hio_channel& channel, PhysAddr base, uint64_t size) {
  for (const hobbes_hio_block& block : channel.blocks) {
    // acquire: its base is there; partner: the proxy's release. All blocks are of one size, so a base that is replaced
    // in between is that of another whole block.
    const uint64_t block_size = __atomic_load_n(&block.size, __ATOMIC_ACQUIRE);
    const PhysAddr start = __atomic_load_n(&block.base, __ATOMIC_RELAXED);
    if (base >= start && size <= block_size && base - start <= block_size - size) return true;
  }
  return false;
}

HostCall::HostCall(hobbes_hio_channel& channel, OnSignal on_signal)
    : pin_(port::current().process->space), channel_(channel), on_signal_(on_signal) {
  if (proxy_is_dead()) {
    error_ = -EIO;
    return;
  }
  if (claim()) return;
  __atomic_add_fetch(&claim_waiters, 1, __ATOMIC_SEQ_CST);
  if (on_signal == OnSignal::ignore) {
    claim_uninterrupted();
  } else {
    Waiter waiter(slot_freed);
    if (sleep_until([this] { return proxy_is_dead() || claim(); }, never) == Wake::signal) error_ = restart_call;
  }
  __atomic_sub_fetch(&claim_waiters, 1, __ATOMIC_SEQ_CST);
  if (error_ == 0 && slot_ == nullptr) error_ = -EIO;
}

HostCall::~HostCall() {
  if (slot_ == nullptr) return;
  // seq_cst: FREE before the look at who waits; partner: claim_waiters += 1 before claim().
  __atomic_store_n(&slot_->state, HOBBES_HIO_FREE, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&claim_waiters, __ATOMIC_SEQ_CST) != 0) slot_freed.wake_all();
}

bool HostCall::proxy_is_dead() const {
  return __atomic_load_n(&channel_.proxy_state, __ATOMIC_ACQUIRE) == HOBBES_HIO_PROXY_DEAD;
}

bool HostCall::must_cancel() const {
  if (on_signal_ == OnSignal::cancel && signal_pending(port::current())) return true;
  return stop_ != nullptr && stop_(stop_context_);
}

bool HostCall::claim() {
  slot_ = claim_slot(channel_);
  return slot_ != nullptr;
}

void HostCall::claim_uninterrupted() {
  Waiter waiter(slot_freed);
  while (true) {
    const uint32_t seen = detail::wake_word();
    if (proxy_is_dead() || claim()) return;
    (void)detail::sleep_once(seen, monotonic_ns() + claim_again_ns);
  }
}

Sysret HostCall::make(uint32_t number, const int64_t* args) {
  if (proxy_is_dead()) return error_ = -EIO;
  ++port::current().totals.host_calls;
  slot_->nr = number;
  memcpy(slot_->args, args, sizeof(slot_->args));
  post();
  if (!spin_for_result() && !sleep_for_result()) {
    // The proxy died over it. The slot is never reused, nor is its channel.
    slot_ = nullptr;
    return error_ = -EIO;
  }
  const Sysret result = slot_->result;
  __atomic_store_n(&slot_->state, HOBBES_HIO_CLAIMED, __ATOMIC_RELAXED);  // still ours; the proxy looks for POSTED only
  return result == -EINTR ? restart_call : result;
}

void HostCall::post() { hand_over(channel_, *slot_); }

bool HostCall::spin_for_result() {
  const uint64_t hz = boot_params().tsc_hz;
  const uint64_t end = port::ticks() + hz / spins_per_second + to_copy_ * hz / copied_per_second;
  // acquire: the result is there; partner: the proxy's release of DONE.
  return spin_until([&] { return __atomic_load_n(&slot_->state, __ATOMIC_ACQUIRE) == HOBBES_HIO_DONE; },
                    [&] { return port::ticks() < end && !signal_pending(port::current()); },
                    to_copy_ >= much_to_copy ? rests_of_a_copy : 1);
}

bool HostCall::sleep_for_result() {
  bool cancelled = false;
  __atomic_store_n(&slot_->waiter, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&slot_->state, __ATOMIC_RELAXED) == HOBBES_HIO_POSTED) port::wake_host(&channel_.posted, 1);
  while (true) {
    const uint32_t seen = detail::wake_word();
    const uint32_t state = __atomic_load_n(&slot_->state, __ATOMIC_SEQ_CST);
    if (state == HOBBES_HIO_DONE) return true;
    if (proxy_is_dead()) return __atomic_load_n(&slot_->state, __ATOMIC_ACQUIRE) == HOBBES_HIO_DONE;
    if (!cancelled && must_cancel()) {
      cancel();
      cancelled = true;
    }
    const Asleep asleep;
    port::wait_for_host_or({&slot_->state, state}, {&port::current().wake_word, seen}, monotonic_ns() + look_again_ns);
  }
}

void HostCall::cancel() {
  __atomic_store_n(&slot_->cancel, 1, __ATOMIC_SEQ_CST);  // before `cancels`: the proxy looks here when that has moved
  __atomic_add_fetch(&channel_.cancels, 1, __ATOMIC_SEQ_CST);
  port::wake_host(&channel_.cancels, INT32_MAX);
}

}  // namespace hobbes::lwk::fs
