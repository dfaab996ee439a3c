// SPDX-License-Identifier: Apache-2.0
// Backings: what memory blocks turn out to be made of, once they are prepared.
#pragma once

#include <atomic>

#include "leviathan/node.hpp"

namespace hobbes::leviathan {

/// Waits for each block in turn and writes what it is made of into its record, until all are known or `enough`. Workers
/// only.
void record_backings(Node& node, const std::atomic<bool>& enough);

}  // namespace hobbes::leviathan
