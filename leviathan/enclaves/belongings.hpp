// SPDX-License-Identifier: Apache-2.0
// What the database keeps for an enclave besides its resources: made with it, gone with it.
#pragma once

#include "db/records.hpp"
#include "db/write_txn.hpp"

namespace hobbes::leviathan::enclaves {

/// The row of an enclave's control queue, "<enclave>-cmdq".
[[nodiscard]] Status put_control_queue(db::WriteTxn& txn, const db::Enclave& enclave, Bytes size);

/// Everything that belongs to the enclave (applications, segments, attachments, queues, watchers), then its record. Its
/// resources must be somebody else's or FREE by then.
[[nodiscard]] Status erase_enclave(db::WriteTxn& txn, EnclaveId enclave);

}  // namespace hobbes::leviathan::enclaves
