// SPDX-License-Identifier: Apache-2.0
// Rewriting of system-call sites: a site that has trapped once enters the kernel by a jump from then on.
//
// Only `mov $number,%eax; syscall` is rewritten: the jump takes exactly the five bytes of the mov and the `syscall` stays
// where it is, so code that jumps straight to it still traps and stays right. That the mov is an instruction there, and
// not the tail of a longer one, is proved by decoding from the start of the function, which the image's .eh_frame_hdr
// names. What cannot be proved stays on the trap.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// After the `syscall` at `site` has trapped with `number`: rewrites it if that is proved right. Otherwise nothing.
void rewrite_site(Thread& self, UserAddr site, uint32_t number);

/// A breakpoint at rip - 1 was the rewriter's, who writes it first and replaces it last: rip goes back, to try again.
[[nodiscard]] bool is_being_rewritten(uint64_t& rip);

}  // namespace hobbes::lwk::hosted
