// SPDX-License-Identifier: Apache-2.0
#include "leviathan/enclaves/reach.hpp"

namespace hobbes::leviathan::enclaves {

Result<descriptor::HostIo> reach_of(Node& node, EnclaveId enclave) {
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.get<db::Enclave>(enclave));
  if (!record || record->descriptor.empty()) return descriptor::HostIo{};
  return TRY(descriptor::parse_pisces(record->descriptor, record->name)).host_io;
}

}  // namespace hobbes::leviathan::enclaves
