// SPDX-License-Identifier: Apache-2.0
// Rewrites every system-call site of a loaded program and checks each.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::fuzz {

/// Of the running thread, whose process has its program in memory. Ends the program where a rewrite changed more than
/// one instruction and alignment, hit what is no instruction, or leads elsewhere.
void check_rewriting(lwk::Thread& self);

}  // namespace hobbes::fuzz
