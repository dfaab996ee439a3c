// SPDX-License-Identifier: Apache-2.0
// What a job's server asks of leviathan. It runs as leviathan does: nobody else may.
#pragma once

#include <array>

#include "leviathan/protocol/codes.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::pmi {

void handle_write(Parts& parts, CallPtr call);
void handle_end_job(Parts& parts, CallPtr call);

inline constexpr std::array services = {
    Service{.code = protocol::request::pmi_write,
            .name = "pmi_write",
            .privilege = Privilege::change,
            .handler = handle_write},
    Service{.code = protocol::request::pmi_end_job,
            .name = "pmi_end_job",
            .privilege = Privilege::change,
            .handler = handle_end_job},
};

}  // namespace hobbes::leviathan::pmi
