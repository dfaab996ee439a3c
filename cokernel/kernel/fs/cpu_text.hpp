// SPDX-License-Identifier: Apache-2.0
// What /proc/cpuinfo says: the enclave's CPUs.
#pragma once

#include "cokernel/kernel/fs/text.hpp"

namespace hobbes::lwk::fs {

void write_cpuinfo(Text& text);

}  // namespace hobbes::lwk::fs
