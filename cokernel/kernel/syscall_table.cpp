// SPDX-License-Identifier: Apache-2.0
// The system-call table, and the way through it. Files' calls have their own rows in fs/file_calls.cpp.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/fs/file_calls.hpp"
#include "cokernel/kernel/private_calls.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/signal.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/syscall_table.hpp"

namespace hobbes::lwk {
namespace {

constexpr SyscallRow kernel_calls[] = {
    {9, "mmap", sys_mmap},
    {10, "mprotect", sys_mprotect},
    {11, "munmap", sys_munmap},
    {12, "brk", sys_brk},
    {13, "rt_sigaction", sys_rt_sigaction},
    {14, "rt_sigprocmask", sys_rt_sigprocmask},
    {15, "rt_sigreturn", sys_rt_sigreturn},
    {24, "sched_yield", sys_sched_yield},
    {25, "mremap", sys_mremap},
    {26, "msync", sys_msync},
    {27, "mincore", sys_mincore},
    {28, "madvise", sys_madvise},
    {29, "shmget", sys_shmget},
    {30, "shmat", sys_shmat},
    {31, "shmctl", sys_shmctl},
    {34, "pause", sys_pause},
    {35, "nanosleep", sys_nanosleep},
    {36, "getitimer", sys_getitimer},
    {37, "alarm", sys_alarm},
    {38, "setitimer", sys_setitimer},
    {39, "getpid", sys_getpid},
    {56, "clone", sys_clone},
    {57, "fork", sys_fork},
    {58, "vfork", sys_vfork},
    {59, "execve", sys_execve},
    {60, "exit", sys_exit},
    {61, "wait4", sys_wait4},
    {62, "kill", sys_kill},
    {63, "uname", sys_uname},
    {67, "shmdt", sys_shmdt},
    {96, "gettimeofday", sys_gettimeofday},
    {97, "getrlimit", sys_getrlimit},
    {98, "getrusage", sys_getrusage},
    {99, "sysinfo", sys_sysinfo},
    {100, "times", sys_times},
    {102, "getuid", sys_getuid},
    {104, "getgid", sys_getgid},
    {105, "setuid", sys_setuid},
    {106, "setgid", sys_setgid},
    {107, "geteuid", sys_geteuid},
    {108, "getegid", sys_getegid},
    {109, "setpgid", sys_setpgid},
    {110, "getppid", sys_getppid},
    {111, "getpgrp", sys_getpgrp},
    {112, "setsid", sys_setsid},
    {113, "setreuid", sys_setreuid},
    {114, "setregid", sys_setregid},
    {115, "getgroups", sys_getgroups},
    {116, "setgroups", sys_setgroups},
    {117, "setresuid", sys_setresuid},
    {118, "getresuid", sys_getresuid},
    {119, "setresgid", sys_setresgid},
    {120, "getresgid", sys_getresgid},
    {121, "getpgid", sys_getpgid},
    {122, "setfsuid", sys_setfsuid},
    {123, "setfsgid", sys_setfsgid},
    {124, "getsid", sys_getsid},
    {125, "capget", sys_capget},
    {126, "capset", sys_capset},
    {127, "rt_sigpending", sys_rt_sigpending},
    {128, "rt_sigtimedwait", sys_rt_sigtimedwait},
    {129, "rt_sigqueueinfo", sys_rt_sigqueueinfo},
    {130, "rt_sigsuspend", sys_rt_sigsuspend},
    {131, "sigaltstack", sys_sigaltstack},
    {135, "personality", sys_personality},
    {140, "getpriority", sys_getpriority},
    {141, "setpriority", sys_setpriority},
    {142, "sched_setparam", sys_sched_setparam},
    {143, "sched_getparam", sys_sched_getparam},
    {144, "sched_setscheduler", sys_sched_setscheduler},
    {145, "sched_getscheduler", sys_sched_getscheduler},
    {146, "sched_get_priority_max", sys_sched_get_priority_max},
    {147, "sched_get_priority_min", sys_sched_get_priority_min},
    {148, "sched_rr_get_interval", sys_sched_rr_get_interval},
    {149, "mlock", sys_mlock},
    {150, "munlock", sys_munlock},
    {151, "mlockall", sys_mlockall},
    {152, "munlockall", sys_munlockall},
    {157, "prctl", sys_prctl},
    {158, "arch_prctl", sys_arch_prctl},
    {159, "adjtimex", sys_adjtimex},
    {160, "setrlimit", sys_setrlimit},
    {164, "settimeofday", sys_settimeofday},
    {170, "sethostname", sys_sethostname},
    {171, "setdomainname", sys_setdomainname},
    {186, "gettid", sys_gettid},
    {200, "tkill", sys_tkill},
    {201, "time", sys_time},
    {202, "futex", sys_futex},
    {203, "sched_setaffinity", sys_sched_setaffinity},
    {204, "sched_getaffinity", sys_sched_getaffinity},
    {218, "set_tid_address", sys_set_tid_address},
    {222, "timer_create", sys_timer_create},
    {223, "timer_settime", sys_timer_settime},
    {224, "timer_gettime", sys_timer_gettime},
    {225, "timer_getoverrun", sys_timer_getoverrun},
    {226, "timer_delete", sys_timer_delete},
    {227, "clock_settime", sys_clock_settime},
    {228, "clock_gettime", sys_clock_gettime},
    {229, "clock_getres", sys_clock_getres},
    {230, "clock_nanosleep", sys_clock_nanosleep},
    {231, "exit_group", sys_exit_group},
    {234, "tgkill", sys_tgkill},
    {247, "waitid", sys_waitid},
    {251, "ioprio_set", sys_ioprio_set},
    {252, "ioprio_get", sys_ioprio_get},
    {273, "set_robust_list", sys_set_robust_list},
    {274, "get_robust_list", sys_get_robust_list},
    {297, "rt_tgsigqueueinfo", sys_rt_tgsigqueueinfo},
    {302, "prlimit64", sys_prlimit64},
    {305, "clock_adjtime", sys_clock_adjtime},
    {309, "getcpu", sys_getcpu},
    {314, "sched_setattr", sys_sched_setattr},
    {315, "sched_getattr", sys_sched_getattr},
    {324, "membarrier", sys_membarrier},
    {325, "mlock2", sys_mlock2},
    {424, "pidfd_send_signal", sys_pidfd_send_signal},
    {434, "pidfd_open", sys_pidfd_open},
    {435, "clone3", sys_clone3},
};

SyscallHandler table[syscall_limit];

void count_unimplemented(Thread& self, uint64_t number) {
  ++self.totals.unimplemented;
  CallCount* const count = number < syscall_limit ? self.counts.row(number) : nullptr;
  if (count == nullptr) {
    ++self.totals.out_of_table;
    return;
  }
  ++count->calls;
  ++count->errors;
}

Sysret counted(CallCount& count, SyscallHandler handler, Thread& self, const Args& args) {
  const uint64_t host_calls = self.totals.host_calls;
  const bool timed = count.calls++ % CallCount::timed_each == 0;  // before: some calls do not come back
  const uint64_t start = timed ? port::ticks() : 0;
  const Sysret result = handler(self, args);
  if (timed) {
    count.ticks += port::ticks() - start;
    ++count.samples;
  }
  if (self.totals.host_calls != host_calls) ++count.host;
  if (result < 0 && result >= -4095) ++count.errors;
  return result;
}

}  // namespace

void start_syscalls() {
  for (const SyscallRow& row : kernel_calls) table[row.number] = row.handler;
  for (uint32_t i = 0; i < fs::file_call_count; ++i) table[fs::file_calls[i].number] = fs::file_calls[i].handler;
  for (uint32_t i = 0; i < private_call_count; ++i) table[private_calls[i].number] = private_calls[i].handler;
}

const char* syscall_name(uint32_t number) {
  for (const SyscallRow& row : kernel_calls)
    if (row.number == number) return row.name;
  for (uint32_t i = 0; i < fs::file_call_count; ++i)
    if (fs::file_calls[i].number == number) return fs::file_calls[i].name;
  for (uint32_t i = 0; i < private_call_count; ++i)
    if (private_calls[i].number == number) return private_calls[i].name;
  return nullptr;
}

void serve_system_call(Thread& self, Registers& registers) {
  const uint64_t number = registers.number;
  const SyscallHandler handler = number < syscall_limit ? table[number] : nullptr;
  if (handler == nullptr) {
    count_unimplemented(self, number);
    registers.rax = static_cast<uint64_t>(-ENOSYS);
    return;
  }
  const Args args{{registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9}};
  CallCount* const count = self.counts.row(number);
  const Sysret result = count == nullptr ? handler(self, args) : counted(*count, handler, self, args);
  registers.rax = static_cast<uint64_t>(result);
  if (result <= restart_call && result >= restart_never_handled)
    __atomic_store_n(&self.attention, 1, __ATOMIC_RELAXED);  // our own: finish_interrupted_call has work
}

}  // namespace hobbes::lwk
