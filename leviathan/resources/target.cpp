// SPDX-License-Identifier: Apache-2.0
// The enclave whose resources a request changes.
#include "leviathan/resources/target.hpp"

namespace hobbes::leviathan::resources {
namespace {

Result<EnclaveId> find(Node& node, std::string_view enclave) {
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.find_enclave(enclave));
  if (!record) return Error(Code::not_found, "enclave '" + std::string(enclave) + "': there is none of that name");
  return record->id;
}

}  // namespace

Result<Target> target(Node& node, std::string_view enclave) {
  const EnclaveId id = TRY(find(node, enclave));
  Target found{id, std::string(enclave), node.locks().lock(id), nullptr};
  // Looked up again under the lock: it may have ended meanwhile.
  if (id != master_enclave) found.live = TRY(node.live(enclave));
  return found;
}

}  // namespace hobbes::leviathan::resources
