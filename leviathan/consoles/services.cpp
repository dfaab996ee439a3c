// SPDX-License-Identifier: Apache-2.0
#include "leviathan/consoles/services.hpp"

#include "leviathan/parts.hpp"

namespace hobbes::leviathan::consoles {

void handle_open(Parts& parts, CallPtr call) { parts.consoles.open(std::move(call)); }
void handle_type(Parts& parts, CallPtr call) { parts.consoles.type(std::move(call)); }
void handle_close(Parts& parts, CallPtr call) { parts.consoles.close(std::move(call)); }

}  // namespace hobbes::leviathan::consoles
