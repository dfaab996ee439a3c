// SPDX-License-Identifier: Apache-2.0
// Whose an enclave is: its processes run as that user, and he may launch, look at files and use the console in it.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "leviathan/caller.hpp"
#include "leviathan/node.hpp"

namespace hobbes::leviathan::enclaves {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// What a descriptor's `owner` means, USER[:GROUP] by names or numbers, when `creator` asks for it. Empty: the creator.
/// invalid: there is no such user or group, or a number's login group is not known and none is given. denied: only root
/// makes an enclave somebody else's, because its programs run as that user.
[[nodiscard]] Result<Owner> parse_owner(std::string_view text, const Owner& creator);

/// denied: the enclave is not the caller's, and he may not change the node. not_found: no such enclave. Any thread.
[[nodiscard]] Status check_use(Node& node, const Caller& caller, std::string_view enclave);

}  // namespace hobbes::leviathan::enclaves
