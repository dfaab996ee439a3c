// SPDX-License-Identifier: Apache-2.0
// Rewriting of system-call sites: a site that has trapped once enters the kernel by a jump from then on.
//
// An instruction before the `syscall` gives way to a jump to a stub, which repeats what stood from there to the `syscall`
// and enters the kernel; the `syscall` itself, and whatever stands between, stays where it is, so code that jumps there
// is right and traps. The instruction is the last one of five bytes or more that does the same anywhere, with others like
// it behind (`mov $nr,%eax` as a rule); where all are shorter (`xor %eax,%eax`), a short jump leads to a jump in the
// alignment between the function's blocks. That they are instructions, and that the alignment is nobody's target, is
// proved by decoding the function, whose bounds the image's .eh_frame_hdr names. What cannot be proved stays on the trap.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// After the `syscall` at `site` has trapped: rewrites it if that is proved right. Otherwise nothing.
void rewrite_site(Thread& self, UserAddr site);

/// A breakpoint at rip - 1 was the rewriter's, who writes it first and replaces it last: rip goes back, to try again.
[[nodiscard]] bool is_being_rewritten(uint64_t& rip);

}  // namespace hobbes::lwk::hosted
