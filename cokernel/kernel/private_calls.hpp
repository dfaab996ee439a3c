// SPDX-License-Identifier: Apache-2.0
// The calls that Linux does not have, from 500: Kitten's, as far as they mean something here (docs/private-calls.md).
#pragma once

#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk {

extern const SyscallRow private_calls[];
extern const uint32_t private_call_count;

}  // namespace hobbes::lwk
