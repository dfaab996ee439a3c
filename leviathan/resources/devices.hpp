// SPDX-License-Identifier: Apache-2.0
// PCI devices between Linux and enclaves.
#pragma once

#include <string>

#include "leviathan/protocol/device_messages.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/resources/transfer.hpp"

namespace hobbes::leviathan::resources {

/// The device is free, or Linux's: its driver there lets go of it. In the enclave it has the name that is given here.
/// Workers only.
[[nodiscard]] Result<std::string> assign_device(Node& node, const protocol::AssignDevice& request);
/// Back to Linux.
[[nodiscard]] Result<std::string> remove_device(Node& node, const protocol::RemoveDevice& request);

[[nodiscard]] const Plug& device_plug();

}  // namespace hobbes::leviathan::resources
