// SPDX-License-Identifier: Apache-2.0
// The boot block: the start of an enclave's first memory block as docs/boot-protocol.md lays it out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/units.hpp"
#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/boot/clock.hpp"
#include "kernel-bridge/boot/kernel_image.hpp"

namespace hobbes::bridge {

struct BootBlockSpec {
  EnclaveId id;
  std::string_view name;
  std::string_view cmd_line;
  std::span<const Cpu> cpus;
  std::span<const hobbes_boot_region> regions;  ///< [0] is the boot block itself
  int control_bell = -1;                        ///< numbers in the enclave's descriptor table
  int console_bell = -1;
  int machine_fd = -1;
  int lending_fd = 0;                           ///< 0: nobody lends files to this enclave
  ClockSample now;
  std::uint32_t schedule_hz = 0;                ///< 0: the kernel's choice
};

/// Writes parameters, control queue, console, kernel and initrd (empty: none) into a block of zeroes. Refuses what does
/// not fit, in a sentence.
[[nodiscard]] Status write_boot_block(std::span<std::byte> block, const BootBlockSpec& spec, const KernelImage& kernel,
                                      std::span<const std::byte> initrd);

/// The parts of a boot block that the host goes on using. Pointers into the block.
struct BootBlock {
  hobbes_boot_params* params = nullptr;
  std::span<std::byte> control_queue;
  std::span<std::byte> console;
};

/// Finds them in a block at physical address `base` that an enclave may have written: each is checked to lie inside.
[[nodiscard]] Result<BootBlock> find_boot_block(std::span<std::byte> block, std::uint64_t base);

/// What the kernel says of itself: a number of hobbes_enclave_state, or whatever it wrote there. Acquire: partner is
/// the co-kernel's release store, after what the state stands for.
[[nodiscard]] inline std::uint32_t state_of(const hobbes_boot_params& params) {
  return __atomic_load_n(&params.state, __ATOMIC_ACQUIRE);
}
/// Its crash record, fit for a line of text; may be empty.
[[nodiscard]] std::string crash_text(const hobbes_boot_params& params);

}  // namespace hobbes::bridge
