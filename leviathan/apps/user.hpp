// SPDX-License-Identifier: Apache-2.0
// Whom a program runs as.
#pragma once

#include <optional>

#include "base/user.hpp"
#include "leviathan/caller.hpp"

namespace hobbes::leviathan::apps {

/// Whom the caller's programs run as. Nothing: as this process does, because it has no power to choose.
[[nodiscard]] std::optional<User> user_of(const Caller& caller);

}  // namespace hobbes::leviathan::apps
