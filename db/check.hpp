// SPDX-License-Identifier: Apache-2.0
// The checker: proves that a database agrees with itself.
#pragma once

#include <string>
#include <vector>

#include "db/read_txn.hpp"

namespace hobbes::db {

/// One sentence for each thing that is wrong; empty for a sound database. Reads everything by raw keys, trusting
/// neither indexes nor counters:
/// - every record decodes, sits under its own key, and has exactly the index entries it should have, and vice versa;
/// - FREE and INVALID resources have no owner and no operation, RESERVED ones an operation in the journal that lists
///   them, ALLOCATED ones an owner and no operation; blocks do not overlap; the totals add up to the node's;
/// - ids are below their counters; names are unique; every enclave, app, segment and operation mentioned exists;
/// - events are in sequence.
[[nodiscard]] std::vector<std::string> check(const ReadTxn& txn);

}  // namespace hobbes::db
