// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/pci/virtio.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::pci {
namespace {

struct Descriptor {
  uint64_t address;
  uint32_t size;
  uint16_t flags;
  uint16_t next;
};
constexpr uint16_t descriptor_device_writes = 2;
constexpr uint16_t no_interrupt = 1;

constexpr uint32_t order_of(uint64_t size) {
  uint32_t order = 0;
  while ((page_size << order) < size) ++order;
  return order;
}
constexpr uint64_t buffers_size = uint64_t{VirtQueue::length} * VirtQueue::buffer_size;

constexpr uint8_t capability_vendor = 0x09;
enum Capability : uint32_t { cap_kind = 3, cap_bar = 4, cap_offset = 8, cap_length = 12, cap_notify_step = 16 };
enum Kind : uint8_t { kind_common = 1, kind_notify = 2, kind_reason = 3, kind_device = 4 };
enum Common : uint32_t {
  offered_select = 0, offered = 4, accepted_select = 8, accepted = 12, config_vector = 16, queue_count = 18, status = 20,
  queue_select = 22, queue_size = 24, queue_vector = 26, queue_enable = 28, queue_notify = 30, queue_descriptors = 32,
  queue_posted = 40, queue_taken = 48, common_size = 56,
};
enum Status : uint8_t { acknowledged = 1, has_driver = 2, driver_ready = 4, features_ready = 8 };
constexpr uint64_t version_1 = 1ull << 32, access_platform = 1ull << 33;
constexpr int64_t reset_patience_ns = ns_per_second;
constexpr uint16_t all_in_entry = 0, no_vector = 0xffff;

}  // namespace

/// One page.
struct VirtQueue::Rings {
  Descriptor descriptors[length];
  struct {
    uint16_t flags, index, ring[length];
    uint16_t event;
  } posted;
  alignas(page_size / 2) struct {
    uint16_t flags, index;
    struct {
      uint32_t index, size;
    } ring[length];
    uint16_t event;
  } taken;
};

int VirtQueue::create(bool device_writes) {
  static_assert(sizeof(Rings) == page_size);
  device_writes_ = device_writes;
  const PhysAddr rings = page_allocator().allocate(0, true);
  if (rings == 0) return -ENOMEM;
  rings_ = static_cast<Rings*>(port::direct(rings));
  const PhysAddr buffers = page_allocator().allocate(order_of(buffers_size), true);
  if (buffers == 0) return -ENOMEM;
  buffers_ = static_cast<uint8_t*>(port::direct(buffers));
  return 0;
}

VirtQueue::~VirtQueue() {
  if (buffers_ != nullptr) page_allocator().free(port::physical(buffers_), page_size << order_of(buffers_size));
  if (rings_ != nullptr) page_allocator().free(port::physical(rings_), page_size);
}

void VirtQueue::post(uint16_t index, uint32_t size) {
  const uint16_t flags = device_writes_ ? descriptor_device_writes : 0;
  rings_->descriptors[index] = {port::physical(buffer(index)), size, flags, 0};
  rings_->posted.ring[next_post_++ % length] = index;
  // release: the descriptor and the buffer come first; the partner is the device.
  __atomic_store_n(&rings_->posted.index, next_post_, __ATOMIC_RELEASE);
}

bool VirtQueue::take(uint16_t& index, uint32_t& size) {
  // acquire: the entry and the buffer were written before; the partner is the device.
  while (__atomic_load_n(&rings_->taken.index, __ATOMIC_ACQUIRE) != next_take_) {
    const auto& entry = rings_->taken.ring[next_take_++ % length];
    const uint32_t which = __atomic_load_n(&entry.index, __ATOMIC_RELAXED);
    if (which >= length) continue;
    index = static_cast<uint16_t>(which);
    size = min(__atomic_load_n(&entry.size, __ATOMIC_RELAXED), buffer_size);
    return true;
  }
  return false;
}

void VirtQueue::ask_for_no_interrupts() { __atomic_store_n(&rings_->posted.flags, no_interrupt, __ATOMIC_RELAXED); }

PhysAddr VirtQueue::descriptors() const { return port::physical(&rings_->descriptors); }
PhysAddr VirtQueue::posted() const { return port::physical(&rings_->posted); }
PhysAddr VirtQueue::taken() const { return port::physical(&rings_->taken); }

Registers VirtioDevice::find(uint8_t kind, uint64_t size, uint32_t* capability) const {
  for (uint32_t at = pci_.find_capability(capability_vendor); at != 0; at = pci_.find_capability(capability_vendor, at)) {
    if (pci_.config_at<uint8_t>(at + cap_kind) != kind) continue;
    const auto bar = pci_.config_at<uint8_t>(at + cap_bar);
    const auto length = pci_.config_at<uint32_t>(at + cap_length);
    if (bar >= HOBBES_PCI_MAX_BARS || length < size) continue;
    if (capability != nullptr) *capability = at;
    return pci_.bars[bar].part(pci_.config_at<uint32_t>(at + cap_offset), length);
  }
  return {};
}

bool VirtioDevice::reset() {
  if (!common_) return false;
  common_.write(status, uint8_t{0});
  const int64_t until = monotonic_ns() + reset_patience_ns;
  while (common_.read<uint8_t>(status) != 0) {
    if (monotonic_ns() >= until) return false;
    port::yield();
  }
  return true;
}

int VirtioDevice::agree(uint64_t wanted) {
  uint64_t has = 0;
  for (uint32_t half = 0; half < 2; ++half) {
    common_.write(offered_select, half);
    has |= static_cast<uint64_t>(common_.read<uint32_t>(offered)) << 32 * half;
  }
  // ACCESS_PLATFORM: it goes by the addresses that an IOMMU shows it, which are ours.
  const uint64_t chosen = has & (wanted | version_1 | access_platform);
  if ((chosen & version_1) == 0) return -ENODEV;
  for (uint32_t half = 0; half < 2; ++half) {
    common_.write(accepted_select, half);
    common_.write(accepted, static_cast<uint32_t>(chosen >> 32 * half));
  }
  constexpr uint8_t agreed = acknowledged | has_driver | features_ready;
  common_.write(status, agreed);
  return (common_.read<uint8_t>(status) & features_ready) != 0 ? 0 : -EIO;
}

int VirtioDevice::open(uint64_t wanted) {
  uint32_t notify_capability = 0;
  common_ = find(kind_common, common_size);
  notify_ = find(kind_notify, sizeof(uint16_t), &notify_capability);
  reason_ = find(kind_reason, sizeof(uint8_t));
  config_ = find(kind_device, 1);
  if (!common_ || !notify_ || !reason_ || !config_) return -ENODEV;
  notify_step_ = pci_.config_at<uint32_t>(notify_capability + cap_notify_step);
  if (!reset()) return -EIO;
  common_.write(status, uint8_t{acknowledged});
  common_.write(status, uint8_t{acknowledged | has_driver});
  if (const int error = agree(wanted); error != 0) return error;
  if (!pci_.connect_interrupts()) return -ENODEV;
  if (pci_.forwarded) return 0;
  common_.write(config_vector, all_in_entry);
  return common_.read<uint16_t>(config_vector) == all_in_entry ? 0 : -EIO;
}

int VirtioDevice::connect(uint16_t number, const VirtQueue& queue) {
  if (number >= common_.read<uint16_t>(queue_count) || number >= sizeof(notify_offset_) / sizeof(*notify_offset_)) return -EIO;
  common_.write(queue_select, number);
  if (common_.read<uint16_t>(queue_size) < VirtQueue::length) return -EIO;
  common_.write(queue_size, uint16_t{VirtQueue::length});
  common_.write(queue_vector, pci_.forwarded ? no_vector : all_in_entry);
  const auto put = [&](uint32_t at, PhysAddr address) {
    common_.write(at, static_cast<uint32_t>(address));
    common_.write(at + 4, static_cast<uint32_t>(address >> 32));
  };
  put(queue_descriptors, queue.descriptors());
  put(queue_posted, queue.posted());
  put(queue_taken, queue.taken());
  const uint64_t offset = uint64_t{common_.read<uint16_t>(queue_notify)} * notify_step_;
  if (!notify_.has(offset, sizeof(uint16_t))) return -EIO;
  notify_offset_[number] = offset;
  common_.write(queue_enable, uint16_t{1});
  return 0;
}

void VirtioDevice::start() {
  constexpr uint8_t works = acknowledged | has_driver | features_ready | driver_ready;
  common_.write(status, works);
}

void VirtioDevice::notify(uint16_t number) const { notify_.write(notify_offset_[number], number); }

}  // namespace hobbes::lwk::pci
