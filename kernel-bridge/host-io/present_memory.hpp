// SPDX-License-Identifier: Apache-2.0
// What a process that waits can do about its page faults before anybody waits for it.
#pragma once

namespace hobbes::host_io {

/// Has Linux map all pages of this process that it maps lazily as a rule: program, libraries, heap, the first thread's
/// stack. For a small process without large mappings, before it starts threads (their stacks are reserved at full
/// length). What cannot be mapped ahead is left as it is. Linux 5.14 on; see madvise(2), MADV_POPULATE_WRITE.
void make_memory_present();

}  // namespace hobbes::host_io
