// SPDX-License-Identifier: Apache-2.0
// The two halves of every change of the node. First half: begin_operation() journals it and reserves its resources in
// one committed transaction. Then a bridge works. Second half: commit_operation() or abort_operation(), again in one.
#pragma once

#include <string>
#include <vector>

#include "db/write_txn.hpp"

namespace hobbes::db {

struct OperationRequest {
  OperationKind what = OperationKind::invalid;
  EnclaveId enclave;      ///< must have a record (put it in the same transaction for a new enclave)
  AppId app;
  std::string arguments;  ///< bytes for whoever finishes the operation after a crash
  Resources assign;       ///< to move to the enclave: FREE now
  Resources release;      ///< to take from the enclave: ALLOCATED to it now
};

/// Journals the operation and moves its resources to RESERVED; they name the enclave as owner from now on.
/// Code::busy for a resource in another state, Code::not_found for one (or an enclave) that is not there; the
/// transaction is then to be dropped.
[[nodiscard]] Result<Operation> begin_operation(WriteTxn& txn, const OperationRequest& request);

/// Remembers how far the bridge got and, if given, new bytes for whoever continues after a crash.
[[nodiscard]] Status advance_operation(WriteTxn& txn, OperationId id, std::uint32_t step);
[[nodiscard]] Status advance_operation(WriteTxn& txn, OperationId id, std::uint32_t step, std::string arguments);

/// `assign` becomes ALLOCATED, `release` FREE, the journal entry goes. Memory blocks that came in are charged to the
/// operation's app, if it has one. CPUs keep the logical id the caller has put while they were RESERVED; FREE ones
/// lose it. Append the event in the same transaction (events.hpp).
[[nodiscard]] Status commit_operation(WriteTxn& txn, OperationId id);

/// The way back: `assign` becomes FREE, `release` ALLOCATED to the enclave again, the journal entry goes.
[[nodiscard]] Status abort_operation(WriteTxn& txn, OperationId id);

/// What a leviathan that died left half done, oldest first. The next one rolls each forward or back.
[[nodiscard]] Result<std::vector<Operation>> pending_operations(const ReadTxn& txn);

/// Everything an enclave has ALLOCATED: what destroying it releases.
[[nodiscard]] Result<Resources> resources_of(const ReadTxn& txn, EnclaveId enclave);

}  // namespace hobbes::db
