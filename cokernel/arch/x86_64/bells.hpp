// SPDX-License-Identifier: Apache-2.0
// The doorbell of the host (abi/x86_64.h).
#pragma once

namespace hobbes::lwk::x86 {

/// Stores before it are seen by whoever hears it.
void ring_host();

}  // namespace hobbes::lwk::x86
