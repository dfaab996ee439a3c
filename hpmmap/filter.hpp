// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

namespace hobbes::hpmmap {

/// From now on the calls of this process, and of all it becomes and makes, that change memory stop for its tracer; they are
/// ENOSYS without one. All others take no longer than before. Also sets PR_SET_NO_NEW_PRIVS. 0 or errno: between fork and exec.
[[nodiscard]] int install_filter();

}  // namespace hobbes::hpmmap
