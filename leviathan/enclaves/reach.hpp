// SPDX-License-Identifier: Apache-2.0
// What of the host an enclave reaches: its descriptor's <host_io>.
#pragma once

#include "leviathan/descriptor/pisces.hpp"
#include "leviathan/node.hpp"

namespace hobbes::leviathan::enclaves {

/// As the descriptor said that the enclave was created from. Any thread.
[[nodiscard]] Result<descriptor::HostIo> reach_of(Node& node, EnclaveId enclave);

}  // namespace hobbes::leviathan::enclaves
