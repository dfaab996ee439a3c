// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/fake_proxy.hpp"

#include "cokernel/kernel/page_allocator.hpp"

#include <cstdlib>

namespace hobbes::lwk::testing {
namespace {

constexpr uint32_t channel_order = 8;  // 1 MiB

}  // namespace

FakeProxy::FakeProxy(Serve serve) : serve_(std::move(serve)) {
  start_kernel();
  const PhysAddr memory = page_allocator().allocate(channel_order, true);
  if (memory == 0) std::abort();
  channel_ = static_cast<hobbes_hio_channel*>(port::direct(memory));
  channel_->proxy_state = HOBBES_HIO_PROXY_READY;
  const hobbes_boot_region& region = boot_params().regions[0];
  channel_->blocks[0] = {region.base, region.size};
  thread_ = std::thread([this] { run(); });
}

FakeProxy::~FakeProxy() {
  ends_ = true;
  thread_.join();
  page_allocator().free(port::physical(channel_), page_size << channel_order);
}

void FakeProxy::run() {
  while (!ends_) {
    for (hobbes_hio_slot& slot : channel_->slots) {
      uint32_t posted = HOBBES_HIO_POSTED;
      if (!__atomic_compare_exchange_n(&slot.state, &posted, HOBBES_HIO_RUNNING, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST))
        continue;
      slot.result = serve_(slot);
      __atomic_store_n(&slot.state, HOBBES_HIO_DONE, __ATOMIC_SEQ_CST);
      if (__atomic_load_n(&slot.waiter, __ATOMIC_SEQ_CST) != 0) port::wake(&slot.state, INT32_MAX);
    }
    std::this_thread::yield();
  }
}

void FakeProxy::die() {
  __atomic_store_n(&channel_->proxy_state, HOBBES_HIO_PROXY_DEAD, __ATOMIC_SEQ_CST);
  for (hobbes_hio_slot& slot : channel_->slots) port::wake(&slot.state, INT32_MAX);
}

int64_t FakeProxy::wait_for_cancel(hobbes_hio_slot& slot) {
  while (__atomic_load_n(&slot.cancel, __ATOMIC_SEQ_CST) == 0 && !ends_) std::this_thread::yield();
  return -EINTR;
}

}  // namespace hobbes::lwk::testing
