// SPDX-License-Identifier: Apache-2.0
// The control task's file commands: files that live in the enclave. A path of the host is only named in the reply; the
// client opens it itself, as itself.
#pragma once

#include "cokernel/kernel/control_reply.hpp"

namespace hobbes::lwk {

void open_file(const Request& request, Reply& reply);
void close_file(const Request& request, Reply& reply);
void read_file(const Request& request, Reply& reply);
void write_file(const Request& request, Reply& reply);
void seek_file(const Request& request, Reply& reply);
void stat_file(const Request& request, Reply& reply);
void stat_open_file(const Request& request, Reply& reply);

}  // namespace hobbes::lwk
