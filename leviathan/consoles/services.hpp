// SPDX-License-Identifier: Apache-2.0
// The services that show enclaves' consoles and type into them.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::consoles {

void handle_open(Parts& parts, CallPtr call);
void handle_type(Parts& parts, CallPtr call);
void handle_close(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::console_open,
            .name = "console",
            .privilege = Privilege::use,
            .handler = handle_open},
    Service{.code = protocol::request::console_type,
            .name = "console",
            .privilege = Privilege::use,
            .handler = handle_type},
    Service{.code = protocol::request::console_close,
            .name = "console",
            .privilege = Privilege::use,
            .handler = handle_close},
};

}  // namespace hobbes::leviathan::consoles
