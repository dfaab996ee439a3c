// SPDX-License-Identifier: Apache-2.0
// The requests that move memory, CPUs and devices to enclaves and back.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::resources {

void handle_assign_memory(Parts& parts, CallPtr call);
void handle_remove_memory(Parts& parts, CallPtr call);
void handle_assign_cpus(Parts& parts, CallPtr call);
void handle_remove_cpus(Parts& parts, CallPtr call);
void handle_assign_device(Parts& parts, CallPtr call);
void handle_remove_device(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::assign_memory,
            .name = "assign_memory",
            .privilege = Privilege::change,
            .handler = handle_assign_memory},
    Service{.code = protocol::request::remove_memory,
            .name = "remove_memory",
            .privilege = Privilege::change,
            .handler = handle_remove_memory},
    Service{.code = protocol::request::assign_cpus,
            .name = "assign_cpus",
            .privilege = Privilege::change,
            .handler = handle_assign_cpus},
    Service{.code = protocol::request::remove_cpus,
            .name = "remove_cpus",
            .privilege = Privilege::change,
            .handler = handle_remove_cpus},
    Service{.code = protocol::request::assign_device,
            .name = "assign_device",
            .privilege = Privilege::change,
            .handler = handle_assign_device},
    Service{.code = protocol::request::remove_device,
            .name = "remove_device",
            .privilege = Privilege::change,
            .handler = handle_remove_device},
};

}  // namespace hobbes::leviathan::resources
