// SPDX-License-Identifier: Apache-2.0
// What the co-kernel's memory code stands on here: a change of page tables is a call that the traced program makes for us.
#pragma once

#include "hpmmap/tracee.hpp"

namespace hobbes::hpmmap {

/// While it lives, page tables that change are this thread's.
class Acting {
 public:
  explicit Acting(Tracee& tracee);
  ~Acting();
  Acting(const Acting&) = delete;
  Acting& operator=(const Acting&) = delete;
  /// Whether it was told to unmap, or to protect, something.
  [[nodiscard]] static bool has_changed();
};

}  // namespace hobbes::hpmmap
