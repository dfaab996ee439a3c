// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/services.hpp"

#include "leviathan/parts.hpp"

namespace hobbes::leviathan::apps {

void handle_launch(Parts& parts, CallPtr call) { parts.apps.launch(std::move(call)); }
void handle_wait(Parts& parts, CallPtr call) { parts.apps.wait(std::move(call)); }
void handle_kill(Parts& parts, CallPtr call) { parts.apps.kill(std::move(call)); }

}  // namespace hobbes::leviathan::apps
