// SPDX-License-Identifier: Apache-2.0
#include "tests/rig/direct/proxy.hpp"

#include "kernel-bridge/abi/hosted.h"
#include "tests/rig/direct/machine.hpp"
#include "tests/rig/direct/play.hpp"

namespace hobbes::direct {
namespace {

constexpr uint32_t call_read = 0, call_write = 1, call_close = 3, call_fstat = 5, call_ioctl = 16, call_readv = 19, call_writev = 20;
constexpr int64_t no_entry = -2, bad_descriptor = -9, no_terminal = -25, no_call = -38;
constexpr uint32_t character_device = 0020620;

hobbes_hio_channel* channel = nullptr;

/// What the kernel calls by an address of the proxies' direct map.
template <typename T>
T* here(int64_t address) {
  return reinterpret_cast<T*>(static_cast<uint64_t>(address) - HOBBES_HOSTED_DIRECT_MAP);
}

int64_t write_out(int64_t address, int64_t length) {
  const auto* const bytes = here<const char>(address);
  for (int64_t at = 0; at < length; ++at) write_serial(bytes[at]);
  return length;
}

int64_t write_vector(const hobbes_hio_slot& slot) {
  const auto* const vector = here<const hobbes_hio_iov>(slot.args[1]);
  int64_t written = 0;
  for (int64_t i = 0; i < slot.args[2]; ++i)
    written += write_out(static_cast<int64_t>(vector[i].base), static_cast<int64_t>(vector[i].length));
  return written;
}

/// Linux's struct stat: the mode is at 24.
int64_t tell_status(const hobbes_hio_slot& slot) {
  auto* const status = here<uint8_t>(slot.args[1]);
  for (int i = 0; i < 144; ++i) status[i] = 0;
  *reinterpret_cast<uint32_t*>(status + 24) = character_device;
  return 0;
}

int64_t carry_out(const hobbes_hio_slot& slot) {
  const bool writes = slot.args[0] == 1 || slot.args[0] == 2;
  switch (slot.nr) {
    case call_write: return writes ? write_out(slot.args[1], slot.args[2]) : bad_descriptor;
    case call_writev: return writes ? write_vector(slot) : bad_descriptor;
    case call_read: case call_readv: return slot.args[0] == 0 ? 0 : bad_descriptor;  // the end of the input
    case call_fstat: return tell_status(slot);
    case call_ioctl: return no_terminal;
    case call_close: case HOBBES_HIO_NOOP: case HOBBES_HIO_EXIT: return 0;
    case 257: case 262: case 267: case 439: return no_entry;  // openat, newfstatat, readlinkat, faccessat2
    default: return no_call;
  }
}

}  // namespace

void open_proxy(hobbes_hio_channel& the_channel) {
  channel = &the_channel;
  channel->blocks[0].base = boot_block;
  __atomic_store_n(&channel->blocks[0].size, block_size, __ATOMIC_RELEASE);
  channel->sleepers = 1;
  __atomic_store_n(&channel->proxy_state, HOBBES_HIO_PROXY_READY, __ATOMIC_SEQ_CST);
}

bool proxy_has_work() {
  if (channel == nullptr) return false;
  for (const hobbes_hio_slot& slot : channel->slots)
    if (__atomic_load_n(&slot.state, __ATOMIC_SEQ_CST) == HOBBES_HIO_POSTED) return true;
  return false;
}

bool serve_proxy() {
  if (channel == nullptr) return false;
  bool must_ring = false, exits = false;
  for (hobbes_hio_slot& slot : channel->slots) {
    if (__atomic_load_n(&slot.state, __ATOMIC_ACQUIRE) != HOBBES_HIO_POSTED) continue;
    slot.result = carry_out(slot);
    exits |= slot.nr == HOBBES_HIO_EXIT;
    __atomic_store_n(&slot.state, HOBBES_HIO_DONE, __ATOMIC_SEQ_CST);
    must_ring |= __atomic_load_n(&slot.waiter, __ATOMIC_SEQ_CST) != 0;
  }
  if (exits) channel = nullptr;
  return must_ring;
}

}  // namespace hobbes::direct
