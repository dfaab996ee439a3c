// SPDX-License-Identifier: Apache-2.0
// The end of an enclave that nobody asked for, in the database.
#pragma once

#include <string_view>

#include "db/environment.hpp"

namespace hobbes::leviathan {

/// In one transaction: the enclave becomes Stopped or Crashed with its reason, its applications end with it, and an
/// event says so. Its record and resources stay until it is destroyed. Any thread.
[[nodiscard]] Status record_end(db::Environment& environment, EnclaveId enclave, bool stopped, std::string_view reason);

}  // namespace hobbes::leviathan
