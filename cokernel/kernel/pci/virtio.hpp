// SPDX-License-Identifier: Apache-2.0
// VirtioDevice and VirtQueue: virtio 1.x over PCI (OASIS, Virtual I/O Device 1.1: 2.6 split queues, 4.1 PCI).
#pragma once

#include "cokernel/kernel/pci/device.hpp"

namespace hobbes::lwk::pci {

/// A queue of buffers of one size, all in memory of its own, each one descriptor. A device can make it lose buffers, not
/// more than that.
class VirtQueue : Immovable {
 public:
  static constexpr uint16_t length = 64;
  static constexpr uint32_t buffer_size = 2048;

  ~VirtQueue();
  /// `device_writes`: its buffers are filled in by the device. 0 or -ENOMEM.
  [[nodiscard]] int create(bool device_writes);

  [[nodiscard]] uint8_t* buffer(uint16_t index) const { return buffers_ + index * buffer_size; }
  /// Hands a buffer to the device.
  void post(uint16_t index, uint32_t size);
  /// One that comes back, and how much the device has written. False: none, for now.
  [[nodiscard]] bool take(uint16_t& index, uint32_t& size);
  /// The device need not interrupt for what it gives back.
  void ask_for_no_interrupts();

  // Where the device finds its parts.
  [[nodiscard]] PhysAddr descriptors() const;
  [[nodiscard]] PhysAddr posted() const;
  [[nodiscard]] PhysAddr taken() const;

 private:
  struct Rings;
  Rings* rings_ = nullptr;
  uint8_t* buffers_ = nullptr;
  bool device_writes_ = false;
  uint16_t next_post_ = 0, next_take_ = 0;
};

class VirtioDevice : Immovable {
 public:
  explicit VirtioDevice(PciDevice& pci) : pci_(pci) {}
  /// At rest: it uses none of our memory any more.
  ~VirtioDevice() { (void)reset(); }

  /// Finds its registers, resets it, agrees on those of `wanted` that it has. 0, -ENODEV (it is not of this kind),
  /// -EIO (it does not do as it should).
  [[nodiscard]] int open(uint64_t wanted);
  [[nodiscard]] int connect(uint16_t number, const VirtQueue& queue);
  /// Queues are connected: from now on it works.
  void start();
  void notify(uint16_t number) const;
  /// Why it interrupted; forgotten by the device when it is read. For forwarded interrupts alone.
  [[nodiscard]] uint8_t take_reason() const { return reason_.read<uint8_t>(0); }
  /// What its kind of device keeps there.
  [[nodiscard]] const Registers& config() const { return config_; }

 private:
  [[nodiscard]] Registers find(uint8_t kind, uint64_t size, uint32_t* capability = nullptr) const;
  [[nodiscard]] bool reset();
  [[nodiscard]] int agree(uint64_t wanted);

  PciDevice& pci_;
  Registers common_, notify_, reason_, config_;
  uint32_t notify_step_ = 0;
  uint64_t notify_offset_[2] = {};  // by queue
};

}  // namespace hobbes::lwk::pci
