// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hobbes::hpmmap {

/// Says on standard error, once, that something comes from Linux's ordinary memory because the reservation has no room.
void tell_shortage(const std::string& what);
/// The same, because a process cannot open it any more: instead of that sentence.
void tell_unreachable();

}  // namespace hobbes::hpmmap
