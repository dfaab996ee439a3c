// SPDX-License-Identifier: Apache-2.0
// What the database says about a job's PMI: its values and its barrier, as long as its application runs.
#pragma once

#include "db/write_txn.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan::pmi {

/// not_found: the application has ended.
[[nodiscard]] Status write(db::WriteTxn& txn, const protocol::PmiWrite& news);
/// The application has ended, or never ran.
[[nodiscard]] Status erase_of(db::WriteTxn& txn, AppId app);

}  // namespace hobbes::leviathan::pmi
