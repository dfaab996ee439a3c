// SPDX-License-Identifier: Apache-2.0
// Making an enclave: from a descriptor to a running co-kernel.
#pragma once

#include <sys/types.h>

#include <string>

#include "db/operations.hpp"
#include "leviathan/node.hpp"

namespace hobbes::leviathan::enclaves {

struct CreateRequest {
  std::string xml;   ///< a <pisces> descriptor
  std::string file;  ///< its name, for messages
  std::string name;  ///< empty: the descriptor's, else enclave-<id>
  uid_t uid = 0;     ///< who creates it; its owner, unless the descriptor names another
  gid_t gid = 0;
};

/// Boots an enclave with everything its descriptor asks for, or leaves nothing. Returns its name. Workers only.
[[nodiscard]] Result<std::string> create_enclave(Node& node, const CreateRequest& request);

/// The way back of a creation, also after a restart: whatever a boot left goes, the resources are FREE again, record and
/// journal entry go; `why` becomes an event. Workers only, under the enclave's lock.
[[nodiscard]] Status undo_create(Node& node, const db::Operation& operation, std::string_view why);

}  // namespace hobbes::leviathan::enclaves
