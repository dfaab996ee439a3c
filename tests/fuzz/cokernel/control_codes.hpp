// SPDX-License-Identifier: Apache-2.0
// How an input of the control task's target names commands.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/abi/queue.h"
#include "kernel-bridge/abi/xemem.h"

namespace hobbes::fuzz {

inline constexpr std::uint32_t control_codes[] = {
    HOBBES_CMD_PING,       HOBBES_CMD_HIO_CREATE, HOBBES_CMD_APP_LAUNCH, HOBBES_CMD_APP_KILL,   HOBBES_CMD_APP_REAP,
    HOBBES_CMD_APP_LIST,   HOBBES_CMD_COUNTERS,   HOBBES_CMD_ADD_MEM,    HOBBES_CMD_REMOVE_MEM, HOBBES_CMD_ADD_CPU,
    HOBBES_CMD_REMOVE_CPU, HOBBES_CMD_FILE_OPEN,  HOBBES_CMD_FILE_CLOSE, HOBBES_CMD_FILE_READ,  HOBBES_CMD_FILE_WRITE,
    HOBBES_CMD_FILE_SEEK,  HOBBES_CMD_FILE_STAT,  HOBBES_CMD_FILE_FSTAT, 0,                     7,
    HOBBES_CMD_SYSTEM_CALLS, HOBBES_CMD_XEMEM_ANSWER, HOBBES_CMD_XEMEM_FREE, HOBBES_CMD_XEMEM_SIGNAL};
inline constexpr std::size_t control_code_count = sizeof(control_codes) / sizeof(control_codes[0]);

constexpr std::uint32_t control_code(std::uint8_t number) { return control_codes[number % control_code_count]; }

}  // namespace hobbes::fuzz
