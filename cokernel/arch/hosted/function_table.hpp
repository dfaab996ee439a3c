// SPDX-License-Identifier: Apache-2.0
// Where functions start, so that instructions can be decoded from a place that is known to be one.
//
// Images linked with --eh-frame-hdr carry a sorted table (LSB Core, "Exception Frames"), which is searched in place. Static
// ones do not; for those the starts are collected, once a process, from .eh_frame itself, which the file's section
// headers name. Everything read is the program's and may be anything: reads are bounded and may fail.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// The last function start at or below `address`; 0: not known. Under process.stubs.lock.
[[nodiscard]] UserAddr function_start(Process& process, UserAddr address);

}  // namespace hobbes::lwk::hosted
