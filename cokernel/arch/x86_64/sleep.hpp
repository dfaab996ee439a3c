// SPDX-License-Identifier: Apache-2.0
// port::wait and port::wake, and what sleeps until the host rings.
#pragma once

namespace hobbes::lwk::x86 {

/// The doorbell: everybody who waits for the host looks again.
void wake_host_sleepers();

}  // namespace hobbes::lwk::x86
