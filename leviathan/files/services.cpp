// SPDX-License-Identifier: Apache-2.0
#include "leviathan/files/services.hpp"

#include "leviathan/parts.hpp"

namespace hobbes::leviathan::files {

void handle_open(Parts& parts, CallPtr call) { parts.files.open(std::move(call)); }
void handle_read(Parts& parts, CallPtr call) { parts.files.read(std::move(call)); }
void handle_write(Parts& parts, CallPtr call) { parts.files.write(std::move(call)); }
void handle_close(Parts& parts, CallPtr call) { parts.files.close(std::move(call)); }
void handle_stat(Parts& parts, CallPtr call) { parts.files.stat(std::move(call)); }

}  // namespace hobbes::leviathan::files
