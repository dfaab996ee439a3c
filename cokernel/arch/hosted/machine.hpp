// SPDX-License-Identifier: Apache-2.0
// The machine protocol (abi/hosted.h): how the bridge plugs memory into this "machine", and how a new leviathan gets hold
// of it again.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// Serves one connection after the other, for ever.
void serve_machine(Thread& self);

}  // namespace hobbes::lwk::hosted
