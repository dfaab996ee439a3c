// SPDX-License-Identifier: Apache-2.0
// One line about the machine, for whoever reads the numbers later.
#pragma once

#include <string>

namespace hobbes::bench {

/// Processor, number of CPUs, Linux, and how busy it is now. What cannot be found out is left out.
[[nodiscard]] std::string describe_machine();

}  // namespace hobbes::bench
