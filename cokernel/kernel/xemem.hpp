// SPDX-License-Identifier: Apache-2.0
// XEMEM: memory that processes of this enclave share with processes of any other (docs/xemem.md). leviathan keeps the
// registry; the kernel asks it (kernel-bridge/abi/xemem.h), holds the pages of what its processes export, and maps what
// they attach.
#pragma once

#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk {

struct Process;
struct Request;
class Reply;

/// The process' memory is about to go: nobody gets its segments any more.
void remove_segments_of(Process& process);

// Commands of leviathan's.
void take_xemem_answer(const Request& request, Reply& reply);
void free_segment(const Request& request, Reply& reply);
void count_signal(const Request& request, Reply& reply);

Sysret sys_xemem_make(Thread& self, const Args& args);
Sysret sys_xemem_remove(Thread& self, const Args& args);
Sysret sys_xemem_get(Thread& self, const Args& args);
Sysret sys_xemem_attach(Thread& self, const Args& args);
Sysret sys_xemem_lookup(Thread& self, const Args& args);
Sysret sys_xemem_signal(Thread& self, const Args& args);
Sysret sys_xemem_next(Thread& self, const Args& args);
Sysret sys_xemem_wait(Thread& self, const Args& args);

}  // namespace hobbes::lwk
