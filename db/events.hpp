// SPDX-License-Identifier: Apache-2.0
// Events: the bounded history of what happened to the node.
#pragma once

#include <vector>

#include "db/write_txn.hpp"

namespace hobbes::db {

/// At least so many of the latest events are kept.
inline constexpr std::uint64_t events_kept = 4096;

/// Appends the event in the transaction that makes it true; gives it its sequence number, and its time unless it has
/// one. Drops the oldest beyond the bound.
[[nodiscard]] Result<Sequence> append_event(WriteTxn& txn, Event event);

/// Events with larger sequence numbers, oldest first, `limit` at most. A first one beyond `known` + 1 says that those
/// between have been dropped.
[[nodiscard]] Result<std::vector<Event>> events_after(const ReadTxn& txn, Sequence known, std::size_t limit = SIZE_MAX);

/// Of the latest event; 0 before the first.
[[nodiscard]] Result<Sequence> last_event(const ReadTxn& txn);

}  // namespace hobbes::db
