// SPDX-License-Identifier: Apache-2.0
// Linux's signals as this machine's exceptions and interrupts.
#pragma once

namespace hobbes::lwk::hosted {

/// Installs the handlers; before the first thread.
void start_traps();

}  // namespace hobbes::lwk::hosted
