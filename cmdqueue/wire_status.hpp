// SPDX-License-Identifier: Apache-2.0
// Errors as they travel in replies, and back.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "kernel-bridge/abi/queue.h"

namespace hobbes::cmdqueue {

/// The HOBBES_STATUS_* of an error's code.
[[nodiscard]] std::int32_t to_wire(Code code);

/// The error a reply with `status` other than HOBBES_STATUS_OK carries; a status this program does not know is
/// Code::corrupt.
[[nodiscard]] Error from_wire(std::int32_t status, std::int32_t sys_errno, std::string_view text);

}  // namespace hobbes::cmdqueue
