// SPDX-License-Identifier: Apache-2.0
// The control task: serves leviathan's queue (abi/queue.h, abi/commands.h).
#pragma once

#include "cokernel/kernel/types.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::abi {
struct ConstPiece;
}

namespace hobbes::lwk {

struct Thread;

/// Finds the control channel. 0 or -errno. Before serve_control and report_event.
[[nodiscard]] int open_control();
/// Serves until SHUTDOWN; then returns.
void serve_control(Thread& self);
/// Sends an unsolicited message. Any thread; may sleep while the ring is full.
void report_event(uint32_t code, const hobbes_app_status& status);
void report_event(uint32_t code, const abi::ConstPiece* pieces, unsigned count);

}  // namespace hobbes::lwk
