// SPDX-License-Identifier: Apache-2.0
// PciDevice: a device as its driver sees it.
#pragma once

#include "cokernel/kernel/process.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::lwk::pci {

struct PciDevice;

struct Driver {
  uint16_t vendor, device;
  const char* name;
  /// Drives the device on a thread of its own: calls serves() as soon as it works, returns when the device leaves,
  /// which is at rest then. 0 or -errno (it never worked).
  int (*run)(PciDevice&);
};

enum class DeviceState : uint32_t { absent, starting, serving, ended };

/// A range of a device's registers.
class Registers {
 public:
  Registers() = default;
  Registers(void* base, uint64_t size) : base_(static_cast<volatile char*>(base)), size_(size) {}

  explicit operator bool() const { return base_ != nullptr; }
  /// False: it does not lie inside.
  [[nodiscard]] bool has(uint64_t offset, uint64_t size) const { return offset <= size_ && size <= size_ - offset; }
  /// Null registers where it does not lie inside.
  [[nodiscard]] Registers part(uint64_t offset, uint64_t size) const {
    if (!has(offset, size)) return {};
    return {const_cast<char*>(base_ + offset), size};
  }
  // REQUIRES: has(offset, sizeof(T)).
  template <typename T>
  [[nodiscard]] T read(uint64_t offset) const { return *reinterpret_cast<volatile T*>(base_ + offset); }
  template <typename T>
  void write(uint64_t offset, T value) const { *reinterpret_cast<volatile T*>(base_ + offset) = value; }

 private:
  volatile char* base_ = nullptr;
  uint64_t size_ = 0;
};

/// Made and unmade by devices.cpp; between that its driver's thread alone uses it, but for what is atomic.
struct PciDevice : Immovable {
  char name[HOBBES_PCI_NAME_SIZE];
  uint32_t place = 0;
  bool forwarded = false;  ///< its interrupts come by way of the host
  const Driver* driver = nullptr;
  Thread* thread = nullptr;
  uint8_t config[256];     ///< as it was when the device came
  Registers bars[HOBBES_PCI_MAX_BARS];
  uint32_t* interrupts = nullptr;  ///< atomic, a word to sleep on: advances when the driver has something to do
  uint32_t leaving = 0;            ///< atomic; `interrupts` advances when it is set
  uint32_t state = 0;              ///< atomic, a word to sleep on: enum DeviceState
  int error = 0;                   ///< the driver's, once `state` is ended

  [[nodiscard]] DeviceState state_now() const {
    return static_cast<DeviceState>(__atomic_load_n(&state, __ATOMIC_ACQUIRE));  // partner: move_to()
  }
  void move_to(DeviceState next);
  void serves() { move_to(DeviceState::serving); }
  [[nodiscard]] bool is_leaving() const { return __atomic_load_n(&leaving, __ATOMIC_ACQUIRE) != 0; }

  template <typename T>
  [[nodiscard]] T config_at(uint32_t offset) const {
    T value{};
    if (offset <= sizeof(config) - sizeof(T)) __builtin_memcpy(&value, config + offset, sizeof(T));
    return value;
  }
  /// Where the next capability of this id lies in `config`, behind the one at `after` (0: from the first); 0: none.
  [[nodiscard]] uint32_t find_capability(uint8_t id, uint32_t after = 0) const;

  /// All its interrupts are entry 0 of its MSI-X table from now on; forwarded ones need nothing. False: it has no table.
  [[nodiscard]] bool connect_interrupts() const;
  /// The device was served: a forwarded interrupt may come again.
  void acknowledge() const;
};

}  // namespace hobbes::lwk::pci
