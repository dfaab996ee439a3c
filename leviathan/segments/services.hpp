// SPDX-License-Identifier: Apache-2.0
// The services of shared segments. Who may reach leviathan may share; a segment's own mode says with whom.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::segments {

void handle_reserve(Parts& parts, CallPtr call);
void handle_make(Parts& parts, CallPtr call);
void handle_remove(Parts& parts, CallPtr call);
void handle_open(Parts& parts, CallPtr call);
void handle_close(Parts& parts, CallPtr call);
void handle_attach(Parts& parts, CallPtr call);
void handle_detach(Parts& parts, CallPtr call);
void handle_signal(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::segment_reserve, .name = "xasm_reserve", .privilege = Privilege::read,
            .handler = handle_reserve},
    Service{.code = protocol::request::segment_make, .name = "xemem_make", .privilege = Privilege::read,
            .handler = handle_make},
    Service{.code = protocol::request::segment_remove, .name = "xemem_remove", .privilege = Privilege::read,
            .handler = handle_remove},
    Service{.code = protocol::request::segment_open, .name = "xemem_get", .privilege = Privilege::read,
            .handler = handle_open},
    Service{.code = protocol::request::segment_close, .name = "xemem_release", .privilege = Privilege::read,
            .handler = handle_close},
    Service{.code = protocol::request::segment_attach, .name = "xemem_attach", .privilege = Privilege::read,
            .handler = handle_attach},
    Service{.code = protocol::request::segment_detach, .name = "xemem_detach", .privilege = Privilege::read,
            .handler = handle_detach},
    Service{.code = protocol::request::segment_signal, .name = "xemem_signal", .privilege = Privilege::read,
            .handler = handle_signal},
};

}  // namespace hobbes::leviathan::segments
