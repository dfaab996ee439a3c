// SPDX-License-Identifier: Apache-2.0
// CPUs between the pool and enclaves.
#pragma once

#include <string>

#include "leviathan/protocol/messages.hpp"
#include "leviathan/resources/transfer.hpp"

namespace hobbes::leviathan::resources {

/// All or nothing; the text tells the operator what was moved. An enclave always keeps the CPU it booted on. Workers
/// only.
[[nodiscard]] Result<std::string> assign_cpus(Node& node, const protocol::ChangeCpus& request);
[[nodiscard]] Result<std::string> remove_cpus(Node& node, const protocol::ChangeCpus& request);

[[nodiscard]] const Plug& cpu_plug();

}  // namespace hobbes::leviathan::resources
