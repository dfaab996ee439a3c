// SPDX-License-Identifier: Apache-2.0
// The memory blocks of running proxies: those an enclave is given become known to them, those it loses are unmapped.
#pragma once

#include "leviathan/live_enclave.hpp"

namespace hobbes::leviathan::apps {

// Workers only.
/// Best effort: data in a block that a proxy does not know is copied once more, and that is all.
void give_to_proxies(LiveEnclave& enclave, std::uint64_t base);
/// For certain: a proxy that still uses the block, or does not answer, is ended. Under `enclave.proxies.memory`, after
/// the block has left the enclave's machine and kernel. timeout: see ProxyList::end().
[[nodiscard]] Status take_from_proxies(LiveEnclave& enclave, std::uint64_t base, Bytes size);

}  // namespace hobbes::leviathan::apps
