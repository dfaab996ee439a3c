// SPDX-License-Identifier: Apache-2.0
// A play: what the loader does with the enclave, step by step, as play.cpp has written it to the file that QEMU
// places in memory.
#pragma once

#include <stdint.h>

#include "kernel-bridge/abi/commands.h"

namespace hobbes::direct {

// The machine's memory (QEMU's `-m 1G`). Two blocks of an enclave, and the play.
inline constexpr uint64_t boot_block = 0x8000000, block_size = 0xc000000, second_block = 0x18000000;
inline constexpr uint64_t play_address = 0x28000000;
/// The enclave's CPUs have APIC ids from 1; the loader is CPU 0.
inline constexpr uint32_t boot_apic_id = 1;

inline constexpr uint32_t play_magic = 0x59414c50;

enum class StepKind : uint32_t {
  end,           ///< the play is over, and was a success
  command,       ///< code, status; payload
  handle,        ///< the same, whose payload starts with the handle that FILE_OPEN gave last
  launch,        ///< create the channel of application `app`, be its proxy, launch it (payload)
  ended,         ///< application `app` ends: with `status` if it is >= 0, else by signal -status
  reap,          ///< application `app` is forgotten
  start_cpu,     ///< the CPU with this APIC id (`code`) is sent to the kernel
  stop_cpu,      ///< INIT to it
  break_queue,   ///< the control queue's index becomes none
  break_code,    ///< an instruction that is none at this offset (`app`) of the kernel image
  crashed,       ///< the enclave crashes: its record begins with the text
};

/// Followed by `size` bytes, and by the next step at a multiple of 8.
struct Step {
  uint32_t magic;
  StepKind kind;
  uint32_t code;
  int32_t status;
  uint64_t app;
  uint64_t size;
  char text[96];  ///< what to say on the console
};
static_assert(sizeof(Step) % 8 == 0);

}  // namespace hobbes::direct
