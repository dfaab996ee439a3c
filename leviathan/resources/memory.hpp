// SPDX-License-Identifier: Apache-2.0
// Memory blocks between the pool and enclaves.
#pragma once

#include <string>

#include "leviathan/protocol/messages.hpp"
#include "leviathan/resources/transfer.hpp"

namespace hobbes::leviathan::resources {

/// Sizes are rounded up to blocks. All or nothing; the text tells the operator what was moved. Workers only.
[[nodiscard]] Result<std::string> assign_memory(Node& node, const protocol::ChangeMemory& request);
[[nodiscard]] Result<std::string> remove_memory(Node& node, const protocol::ChangeMemory& request);

[[nodiscard]] const Plug& memory_plug();

}  // namespace hobbes::leviathan::resources
