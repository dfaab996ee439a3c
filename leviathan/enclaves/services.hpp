// SPDX-License-Identifier: Apache-2.0
// The requests that make, end and look after enclaves.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::enclaves {

void handle_create(Parts& parts, CallPtr call);
void handle_destroy(Parts& parts, CallPtr call);
void handle_ping(Parts& parts, CallPtr call);
void handle_dump_queue(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::create_enclave,
            .name = "create_enclave",
            .privilege = Privilege::change,
            .handler = handle_create},
    Service{.code = protocol::request::destroy_enclave,
            .name = "destroy_enclave",
            .privilege = Privilege::change,
            .handler = handle_destroy},
    Service{.code = protocol::request::ping_enclave,
            .name = "ping_enclave",
            .privilege = Privilege::read,
            .handler = handle_ping},
    Service{.code = protocol::request::dump_queue,
            .name = "dump_cmd_queue",
            .privilege = Privilege::use,
            .handler = handle_dump_queue},
};

}  // namespace hobbes::leviathan::enclaves
