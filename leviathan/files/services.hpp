// SPDX-License-Identifier: Apache-2.0
// The services that read and write files in enclaves.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::files {

void handle_open(Parts& parts, CallPtr call);
void handle_read(Parts& parts, CallPtr call);
void handle_write(Parts& parts, CallPtr call);
void handle_close(Parts& parts, CallPtr call);
void handle_stat(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::file_open,
            .name = "file_open",
            .privilege = Privilege::use,
            .handler = handle_open},
    Service{.code = protocol::request::file_read,
            .name = "file_read",
            .privilege = Privilege::use,
            .handler = handle_read},
    Service{.code = protocol::request::file_write,
            .name = "file_write",
            .privilege = Privilege::use,
            .handler = handle_write},
    Service{.code = protocol::request::file_close,
            .name = "file_close",
            .privilege = Privilege::use,
            .handler = handle_close},
    Service{.code = protocol::request::file_stat,
            .name = "file_stat",
            .privilege = Privilege::use,
            .handler = handle_stat},
};

}  // namespace hobbes::leviathan::files
