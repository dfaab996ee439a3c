// SPDX-License-Identifier: Apache-2.0
// Recovery: what a leviathan does first when another one has managed this node since it booted. docs/recovery.md tells
// the story.
#pragma once

#include "leviathan/node.hpp"

namespace hobbes::leviathan {

/// Ends creations and destructions that were under way, adopts the enclaves that live, marks those that are gone as
/// Crashed, gets the pool's memory back, and settles what resources were moving. Applications are not its business: the
/// observers hear of each adopted enclave, and launches stay in the journal for them. Workers only, with the loop
/// running and no clients.
[[nodiscard]] Status recover(Node& node);

}  // namespace hobbes::leviathan
