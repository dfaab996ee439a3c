// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/channel.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace hobbes::host_io {
namespace {

template <typename T>
T read_once(T& field) {
  return std::atomic_ref<T>(field).load(std::memory_order_relaxed);
}

}  // namespace

Result<Channel> Channel::open(std::byte* memory, std::size_t size) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (address % alignof(hobbes_hio_channel) != 0 || size < sizeof(hobbes_hio_channel)) {
    return Error(Code::invalid, "host-I/O channel: misaligned, or it does not fit in its block");
  }
  auto* header = reinterpret_cast<hobbes_hio_channel*>(memory);
  if (read_once(header->magic) != HOBBES_HIO_MAGIC) {
    return Error(Code::corrupt, "host-I/O channel: wrong magic number");
  }
  if (const std::uint32_t version = read_once(header->version); version != HOBBES_HIO_VERSION) {
    return Error(Code::unsupported, "host-I/O channel: version " + std::to_string(version) + ", this proxy speaks " +
                                        std::to_string(HOBBES_HIO_VERSION));
  }
  const std::uint32_t slots = read_once(header->slot_count);
  if (slots == 0 || slots > HOBBES_HIO_SLOTS) {
    return Error(Code::corrupt, "host-I/O channel: " + std::to_string(slots) + " slots, not 1 to " +
                                    std::to_string(HOBBES_HIO_SLOTS));
  }
  return Channel(header, slots);
}

bool Channel::take(std::uint32_t slot) {
  Word state(header_->slots[slot].state);
  std::uint32_t expected = HOBBES_HIO_POSTED;
  // The plain look keeps the cache line shared while there is nothing to take. Acquire: pairs with the co-kernel's
  // release of POSTED, so the request is visible.
  return state.load(std::memory_order_relaxed) == HOBBES_HIO_POSTED &&
         state.compare_exchange_strong(expected, HOBBES_HIO_RUNNING, std::memory_order_acq_rel,
                                       std::memory_order_relaxed);
}

Request Channel::request(std::uint32_t slot) const {
  hobbes_hio_slot& from = header_->slots[slot];
  Request request;
  request.nr = read_once(from.nr);
  for (std::size_t i = 0; i < request.args.size(); ++i) request.args[i] = read_once(from.args[i]);
  return request;
}

void Channel::complete(std::uint32_t slot, std::int64_t result) {
  hobbes_hio_slot& to = header_->slots[slot];
  std::atomic_ref<std::int64_t>(to.result).store(result, std::memory_order_relaxed);
  // Sequentially consistent with the co-kernel's `waiter = 1; look at state`: one of the two sees the other.
  Word(to.state).store(HOBBES_HIO_DONE, std::memory_order_seq_cst);
  if (Word(to.waiter).load(std::memory_order_seq_cst) == 0) return;
  futex_wake_all(to.state);
  ring();
}

bool Channel::cancelled(std::uint32_t slot) const {
  return Word(header_->slots[slot].cancel).load(std::memory_order_seq_cst) != 0;
}

void Channel::set_sleepers(std::uint32_t count) {
  Word(header_->sleepers).store(count, std::memory_order_seq_cst);
}

bool Channel::publish(std::uint64_t base, std::uint64_t size) {
  for (hobbes_hio_block& block : header_->blocks) {
    std::atomic_ref<std::uint64_t> used(block.size);
    if (used.load(std::memory_order_relaxed) != 0) continue;
    std::atomic_ref<std::uint64_t>(block.base).store(base, std::memory_order_relaxed);
    used.store(size, std::memory_order_release);  // partner: the co-kernel's acquire, before it reads the base
    return true;
  }
  return false;
}

std::uint64_t Channel::withdraw(std::uint64_t base) {
  for (hobbes_hio_block& block : header_->blocks) {
    if (read_once(block.base) != base || read_once(block.size) == 0) continue;
    return std::atomic_ref<std::uint64_t>(block.size).exchange(0);
  }
  return 0;
}

void Channel::set_ready() {
  Word(header_->proxy_state).store(HOBBES_HIO_PROXY_READY, std::memory_order_seq_cst);
  futex_wake_all(header_->proxy_state);
  ring();
}

void Channel::end() {
  mark_dead(*header_);
  ring();
}

void Channel::ring() const {
  if (bell_ < 0) return;
  [[maybe_unused]] const ssize_t rung = ::write(bell_, "", 1);  // fails when there is nobody any more
}

void mark_dead(hobbes_hio_channel& channel) {
  // Sequentially consistent with the co-kernel's `state = POSTED; look at proxy_state`: one of the two sees the other.
  Word(channel.proxy_state).store(HOBBES_HIO_PROXY_DEAD, std::memory_order_seq_cst);
  futex_wake_all(channel.proxy_state);
  for (hobbes_hio_slot& slot : channel.slots) {
    Word state(slot.state);
    const std::uint32_t now = state.load(std::memory_order_seq_cst);
    if (now != HOBBES_HIO_POSTED && now != HOBBES_HIO_RUNNING) continue;
    std::atomic_ref<std::int64_t>(slot.result).store(-EIO, std::memory_order_relaxed);
    state.store(HOBBES_HIO_DONE, std::memory_order_seq_cst);
    futex_wake_all(slot.state);
  }
}

}  // namespace hobbes::host_io
