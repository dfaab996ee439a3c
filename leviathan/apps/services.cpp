// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/services.hpp"

#include "leviathan/apps/system_calls.hpp"
#include "leviathan/parts.hpp"
#include "leviathan/serve_on_worker.hpp"

namespace hobbes::leviathan::apps {

void handle_launch(Parts& parts, CallPtr call) { parts.apps.launch(std::move(call)); }
void handle_wait(Parts& parts, CallPtr call) { parts.apps.wait(std::move(call)); }
void handle_kill(Parts& parts, CallPtr call) { parts.apps.kill(std::move(call)); }
void handle_count_calls(Parts& parts, CallPtr call) { serve_on_worker<count_calls>(parts, std::move(call)); }

}  // namespace hobbes::leviathan::apps
