// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hobbes::lwk {

/// Fills the table; before the first application.
void start_syscalls();

}  // namespace hobbes::lwk
