// SPDX-License-Identifier: Apache-2.0
// The enclave whose resources a request changes.
#pragma once

#include <memory>
#include <string_view>

#include "leviathan/node.hpp"

namespace hobbes::leviathan::resources {

/// Held while its resources change, so that nothing else does.
struct Target {
  EnclaveId id;
  std::string name;
  EnclaveLocks::Lock lock;
  std::shared_ptr<LiveEnclave> live;  ///< null: the master, which has no kernel to be told
};

/// not_found: no such enclave; unavailable: it does not run. Workers only.
[[nodiscard]] Result<Target> target(Node& node, std::string_view enclave);

/// How long an enclave's kernel may take to let go of, or take in, a piece of hardware.
inline constexpr std::chrono::seconds kernel_patience{10};

}  // namespace hobbes::leviathan::resources
