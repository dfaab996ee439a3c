// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hobbes::lwk::hosted {

/// From here on Linux serves this process and its children only the port's own calls (linux.hpp), and only from the
/// kernel's code. Every other `syscall` becomes SIGSYS: that is how an application's calls arrive. Panics if Linux refuses.
void start_seccomp();

}  // namespace hobbes::lwk::hosted
