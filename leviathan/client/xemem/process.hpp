// SPDX-License-Identifier: Apache-2.0
// The one Sharing of a process, and what fork() does to it.
#pragma once

#include "leviathan/client/xemem/sharing.hpp"

namespace hobbes::xemem {

/// Made on first use, in the run directory of that moment; never destroyed.
[[nodiscard]] Sharing& sharing();

}  // namespace hobbes::xemem
