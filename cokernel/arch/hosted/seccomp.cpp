// SPDX-License-Identifier: Apache-2.0
// One filter does two jobs: it is the trap through which applications' system calls come in, inherited by every process
// and impossible to switch off, and it keeps the enclave away from Linux. (Syscall User Dispatch would trap the same, but
// is per thread, off after fork, and can be turned off by the program; with a filter needed anyway it only adds its cost
// to each of the port's own calls.)
#include "cokernel/arch/hosted/seccomp.hpp"

#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/print.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk::hosted {
namespace {

struct Instruction {  // struct sock_filter
  uint16_t code;
  uint8_t jump_true, jump_false;
  uint32_t k;
};

struct Program {  // struct sock_fprog
  uint16_t length;
  const Instruction* instructions;
};

constexpr uint16_t load_word = 0x20, jump_equal = 0x15, jump_greater_equal = 0x35, give = 0x06;
constexpr uint32_t give_trap = 0x00030000, give_allow = 0x7fff0000;
constexpr uint32_t at_number = 0, at_machine = 4, at_ip_low = 8, at_ip_high = 12;
constexpr uint32_t audit_x86_64 = 0xc000003e;
constexpr uint64_t set_no_new_privileges = 38, set_filter = 1, keep_speculation = 4;

// The most frequent first.
constexpr uint32_t allowed[] = {
    linux::nr_futex, linux::nr_mmap, linux::nr_munmap, linux::nr_mprotect, linux::nr_tgkill, linux::nr_rt_sigreturn,
    linux::nr_clone, linux::nr_exit, linux::nr_exit_group, linux::nr_sched_yield, linux::nr_sched_setaffinity,
    linux::nr_getcpu, linux::nr_sigaltstack, linux::nr_arch_prctl, linux::nr_prctl, linux::nr_getpid, linux::nr_wait4,
    linux::nr_write, linux::nr_membarrier, linux::nr_kill, linux::nr_recvmsg, linux::nr_sendmsg, linux::nr_accept4,
    linux::nr_close, linux::nr_clock_gettime, linux::nr_getrusage, linux::nr_futex_waitv, linux::nr_msync,
    linux::nr_restart_syscall,  // Linux itself repeats a sleep that a debugger or freezer broke
};
constexpr uint8_t allowed_count = sizeof(allowed) / sizeof(allowed[0]);
constexpr uint8_t head = 7;

}  // namespace

void start_seccomp() {
  Instruction filter[head + allowed_count + 2] = {
      {load_word, 0, 0, at_ip_high},
      {jump_equal, 0, head + allowed_count - 2, HOBBES_HOSTED_KERNEL_BASE >> 32},
      {load_word, 0, 0, at_ip_low},
      {jump_greater_equal, head + allowed_count - 4, 0, static_cast<uint32_t>(boot_params().kernel_text)},
      {load_word, 0, 0, at_machine},
      {jump_equal, 0, head + allowed_count - 6, audit_x86_64},
      {load_word, 0, 0, at_number},
  };
  for (uint8_t i = 0; i < allowed_count; ++i)
    filter[head + i] = {jump_equal, static_cast<uint8_t>(allowed_count - i), 0, allowed[i]};
  filter[head + allowed_count] = {give, 0, 0, give_trap};
  filter[head + allowed_count + 1] = {give, 0, 0, give_allow};
  static_assert((HOBBES_HOSTED_KERNEL_BASE & 0xffffffff) == 0);

  const Program program{sizeof(filter) / sizeof(filter[0]), filter};
  if (linux::call(linux::nr_prctl, set_no_new_privileges, 1, 0, 0, 0) != 0 ||
      linux::call(linux::nr_seccomp, set_filter, keep_speculation, linux::address(&program)) != 0)
    panic("Linux refuses the seccomp filter");
}

}  // namespace hobbes::lwk::hosted
