// SPDX-License-Identifier: Apache-2.0
// The services that start, await and end applications.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::apps {

void handle_launch(Parts& parts, CallPtr call);
void handle_wait(Parts& parts, CallPtr call);
void handle_kill(Parts& parts, CallPtr call);
void handle_count_calls(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::launch_app,
            .name = "launch_app",
            .privilege = Privilege::use,
            .handler = handle_launch},
    Service{.code = protocol::request::wait_app,
            .name = "wait_app",
            .privilege = Privilege::use,
            .handler = handle_wait},
    Service{.code = protocol::request::kill_app,
            .name = "kill_app",
            .privilege = Privilege::use,
            .handler = handle_kill},
    Service{.code = protocol::request::count_calls,
            .name = "count_calls",
            .privilege = Privilege::read,
            .handler = handle_count_calls},
};

}  // namespace hobbes::leviathan::apps
