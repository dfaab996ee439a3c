// SPDX-License-Identifier: Apache-2.0
// What system calls are called.
#pragma once

#include <cstdint>
#include <string_view>

namespace hobbes::client {

/// Linux's on x86-64, and the co-kernel's private ones; empty: there is none of that number.
[[nodiscard]] std::string_view system_call_name(std::uint32_t number);

}  // namespace hobbes::client
