// SPDX-License-Identifier: Apache-2.0
// Where functions start, so that instructions can be decoded from a place that is known to be one.
//
// Images linked with --eh-frame-hdr carry a sorted table (LSB Core, "Exception Frames"), which is searched in place. Static
// ones do not; for those the starts are collected, once a process, from .eh_frame itself, which the file's section
// headers name. Everything read is the program's and may be anything: reads are bounded and may fail.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// From where a function starts to where the next one does: alignment between them is the first one's.
struct FunctionRange {
  UserAddr start = 0;  ///< 0: not known
  UserAddr end = 0;    ///< 0: no function is known to follow
};
/// The last function that starts at or below `address`. Under process.stubs.lock.
[[nodiscard]] FunctionRange function_at(Process& process, UserAddr address);

}  // namespace hobbes::lwk::hosted
