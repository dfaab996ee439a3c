// SPDX-License-Identifier: Apache-2.0
// AttributeRequest: what the calls about extended attributes ask of a file or a name.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::fs {

enum class AttributeAction : uint8_t { get, list, set, remove };

struct AttributeRequest {
  /// The room for a name and a value, which the host's limits exceed (255 and 65536) but no attribute in use does.
  static constexpr uint64_t value_limit = 8192, name_limit = 255;

  AttributeAction action = AttributeAction::get;
  char name[name_limit + 1] = {};  ///< of all but list
  void* value = nullptr;           ///< value_limit bytes of kernel memory: of set; get and list fill it in
  uint64_t size = 0;               ///< of the value, or of the caller's room; 0 asks how much there is
  uint32_t flags = 0;              ///< of set

  /// What files without attributes answer.
  [[nodiscard]] Sysret refuse() const { return action == AttributeAction::list ? 0 : -EOPNOTSUPP; }
};

}  // namespace hobbes::lwk::fs
