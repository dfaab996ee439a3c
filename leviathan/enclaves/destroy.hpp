// SPDX-License-Identifier: Apache-2.0
// Ending an enclave: in order if it still listens, by force if not; either way everything it had comes back.
#pragma once

#include <string_view>

#include "db/operations.hpp"
#include "leviathan/node.hpp"

namespace hobbes::leviathan::enclaves {

/// Its applications are killed, its kernel is asked to shut down and then ended for certain, its blocks are zeroed, its
/// resources are FREE, its record goes. Works on a crashed one as well. Workers only.
[[nodiscard]] Status destroy_enclave(Node& node, std::string_view name);
[[nodiscard]] Status destroy_enclave(Node& node, EnclaveId enclave);

/// The rest of a destruction that is in the journal. Workers only, under the enclave's lock.
[[nodiscard]] Status finish_destroy(Node& node, const db::Operation& operation);

/// Every enclave but the master. The first error; the others are tried nevertheless. Workers only.
[[nodiscard]] Status destroy_all(Node& node);

}  // namespace hobbes::leviathan::enclaves
