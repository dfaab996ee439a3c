// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/services.hpp"

#include "leviathan/parts.hpp"

namespace hobbes::leviathan::segments {

void handle_reserve(Parts& parts, CallPtr call) { parts.segments.linux_side().reserve(call); }
void handle_make(Parts& parts, CallPtr call) { parts.segments.linux_side().make(call); }
void handle_remove(Parts& parts, CallPtr call) { parts.segments.linux_side().remove(call); }
void handle_open(Parts& parts, CallPtr call) { parts.segments.linux_side().open(call); }
void handle_close(Parts& parts, CallPtr call) { parts.segments.linux_side().close(call); }
void handle_attach(Parts& parts, CallPtr call) { parts.segments.linux_side().attach(call); }
void handle_detach(Parts& parts, CallPtr call) { parts.segments.linux_side().detach(call); }
void handle_signal(Parts& parts, CallPtr call) { parts.segments.linux_side().signal(call); }

}  // namespace hobbes::leviathan::segments
