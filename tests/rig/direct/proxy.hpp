// SPDX-License-Identifier: Apache-2.0
// The smallest proxy (abi/host_io.h): what programs write to their standard output goes to the serial port,
// everything else of the host's is not there.
#pragma once

#include "kernel-bridge/abi/host_io.h"

namespace hobbes::direct {

/// Serves this channel from now on.
void open_proxy(hobbes_hio_channel& channel);
/// Carries out what is posted. True: the kernel sleeps until it hears of it.
[[nodiscard]] bool serve_proxy();
[[nodiscard]] bool proxy_has_work();

}  // namespace hobbes::direct
