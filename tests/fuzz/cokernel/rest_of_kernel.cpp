// SPDX-License-Identifier: Apache-2.0
// What execve and the rewriter need beside the parts the kernel's own tests run on: a process alone, without a machine.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/kernel/futex.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/xemem.hpp"

// Apart from each other, for a check of which one a stub enters.
extern "C" const char hosted_syscall_entry[1] = {1};
extern "C" const char hosted_getpid_entry[1] = {2};

namespace hobbes::lwk {

bool leave_other_threads(Thread&) { return true; }
void release_robust_futexes(Thread&) {}
void return_loan(Process&) {}
void forget_posix_timers(Process&) {}
void remove_segments_of(Process&) {}

namespace port {

uint64_t call_entry() { return 0; }
uint64_t hwcap() { return 0; }
size_t fpu_state_size() { return 512; }
void set_user_tls(UserAddr) {}
void reset_fpu() {}

}  // namespace port
}  // namespace hobbes::lwk
