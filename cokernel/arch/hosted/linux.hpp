// SPDX-License-Identifier: Apache-2.0
// Linux as the hardware: the few system calls the port itself makes, and their constants. The seccomp filter
// (seccomp.cpp) allows those the kernel makes and no other, and only from the kernel's own code.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::linux {

enum Call : uint64_t {
  nr_close = 3, nr_mmap = 9, nr_mprotect = 10, nr_munmap = 11, nr_rt_sigaction = 13, nr_rt_sigprocmask = 14,
  nr_rt_sigreturn = 15, nr_write = 1, nr_sched_yield = 24, nr_msync = 26, nr_getpid = 39, nr_sendmsg = 46, nr_recvmsg = 47, nr_clone = 56,
  nr_exit = 60, nr_wait4 = 61, nr_kill = 62, nr_sigaltstack = 131, nr_prctl = 157, nr_arch_prctl = 158,
  nr_dup2 = 33, nr_setgroups = 116, nr_setresuid = 117, nr_setresgid = 119, nr_setrlimit = 160,
  nr_clock_gettime = 228,
  nr_futex = 202, nr_sched_setaffinity = 203, nr_restart_syscall = 219, nr_exit_group = 231, nr_tgkill = 234, nr_accept4 = 288, nr_getcpu = 309,
  nr_getrusage = 98, nr_seccomp = 317, nr_membarrier = 324, nr_futex_waitv = 449,
};

/// The bare instruction: for the loader, and while GS does not point at a Thread.
inline int64_t invoke(uint64_t number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0, uint64_t e = 0,
                      uint64_t f = 0) {
  register uint64_t r10 asm("r10") = d;
  register uint64_t r8 asm("r8") = e;
  register uint64_t r9 asm("r9") = f;
  int64_t result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

/// Counts itself in the running thread (kernel/process.hpp: linux_calls).
template <typename... Arguments>
int64_t call(uint64_t number, Arguments... arguments) {
  asm volatile("incq %%gs:64" : : : "memory", "cc");
  return invoke(number, static_cast<uint64_t>(arguments)...);
}

template <typename T>
uint64_t address(T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

// Messages with descriptors.
struct IoVector {
  uint64_t base, length;
};

struct MessageHeader {  // struct msghdr
  uint64_t name;
  uint32_t name_length, pad0;
  uint64_t vectors, vector_count, control, control_length;
  uint32_t flags, pad1;
};

struct ControlHeader {  // struct cmsghdr
  uint64_t length;
  int32_t level, type;
};
inline constexpr int level_socket = 1, type_rights = 1;

inline MessageHeader message_of(const IoVector& vector, const void* control, uint64_t control_length) {
  return {0, 0, 0, address(&vector), 1, control_length == 0 ? 0 : address(control), control_length, 0, 0};
}

inline constexpr uint64_t map_shared = 1, map_fixed = 0x10, map_populate = 0x8000;
inline constexpr uint64_t futex_wait = 0, futex_wake = 1;
/// Where both are of one Linux process: Linux need not look up whose memory it is.
inline constexpr uint64_t futex_wait_private = 128, futex_wake_private = 129;
/// Of futex_waitv: 32-bit words, that may be shared by processes.
inline constexpr uint32_t futex_shared_word = 2;
inline constexpr int signal_interrupt = 10;  ///< SIGUSR1: our inter-processor interrupt
inline constexpr int signal_sys = 31;

enum CloneFlags : uint64_t {
  clone_vm = 0x100, clone_fs = 0x200, clone_files = 0x400, clone_sighand = 0x800, clone_parent = 0x8000,
  clone_thread = 0x10000, clone_sysvsem = 0x40000, clone_parent_settid = 0x100000, clone_child_cleartid = 0x200000,
};

}  // namespace hobbes::lwk::linux
