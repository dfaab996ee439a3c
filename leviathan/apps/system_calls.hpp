// SPDX-License-Identifier: Apache-2.0
// The service that says what system calls an application or an enclave has made, and what Linux has made of its
// processes.
#pragma once

#include "leviathan/node.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::apps {

/// Workers only.
[[nodiscard]] Result<Payload> count_calls(Node& node, const Call& call);

}  // namespace hobbes::leviathan::apps
