// SPDX-License-Identifier: Apache-2.0
// Labels and routines of the assembly files.
#pragma once

#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/registers.hpp"

// Where entry.S finds a Thread's fields. Thread has a base class with members, which the standard lets a
// compiler place anywhere: GCC puts it first.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(__builtin_offsetof(hobbes::lwk::Thread, self) == 16);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, kernel_stack_top) == 24);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, user_rsp) == 32);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, attention) == 40);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, quick_calls) == 48);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, process_id) == 56);
static_assert(__builtin_offsetof(hobbes::lwk::Thread, linux_calls) == 64);  // linux.hpp knows it, too
#pragma GCC diagnostic pop

extern "C" {

// entry.S
extern const char hosted_syscall_entry[];      ///< where rewritten sites arrive
extern const char hosted_getpid_entry[];       ///< where those arrive that call getpid
extern const char hosted_getpid_end[];
extern const char hosted_exit_to_user[];       ///< rsp = the thread's Registers
extern const char hosted_exit_window_end[];    ///< [hosted_exit_to_user, here): may be started over
extern const char hosted_iret[];               ///< the instruction that goes to user mode the slow way
[[noreturn]] void hosted_resume_trap(hobbes::lwk::Registers* registers, uint64_t fpu, uint64_t features);
[[noreturn]] void hosted_go_to_user(hobbes::lwk::Registers* registers);
void hosted_restorer();
int64_t hosted_clone(uint64_t flags, uint64_t stack, void* parent_tid, void* child_tid, hobbes::lwk::Thread* thread);

// trap.cpp, called from entry.S
void hosted_deliver(hobbes::lwk::Thread* self, hobbes::lwk::Registers* registers);
void hosted_serve(hobbes::lwk::Thread* self, hobbes::lwk::Registers* registers);
void hosted_user_trap(hobbes::lwk::Thread* self, hobbes::lwk::Registers* registers);
[[noreturn]] void hosted_thread_main(hobbes::lwk::Thread* thread);
[[noreturn]] void hosted_main(void* boot_params);
}
