// SPDX-License-Identifier: Apache-2.0
// The handlers of the calls that are not about files, by source file: memory_calls, clone, wait_calls, pid_calls,
// signal_calls, futex, robust_list, barrier_calls, time_calls, timer_calls, scheduling_calls, credential_calls,
// limit_calls, info_calls.
#pragma once

#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk {

Sysret sys_adjtimex(Thread& self, const Args& args);
Sysret sys_alarm(Thread& self, const Args& args);
Sysret sys_arch_prctl(Thread& self, const Args& args);
Sysret sys_brk(Thread& self, const Args& args);
Sysret sys_capget(Thread& self, const Args& args);
Sysret sys_capset(Thread& self, const Args& args);
Sysret sys_clock_adjtime(Thread& self, const Args& args);
Sysret sys_clock_getres(Thread& self, const Args& args);
Sysret sys_clock_gettime(Thread& self, const Args& args);
Sysret sys_clock_nanosleep(Thread& self, const Args& args);
Sysret sys_clock_settime(Thread& self, const Args& args);
Sysret sys_clone(Thread& self, const Args& args);
Sysret sys_clone3(Thread& self, const Args& args);
Sysret sys_execve(Thread& self, const Args& args);
Sysret sys_exit(Thread& self, const Args& args);
Sysret sys_exit_group(Thread& self, const Args& args);
Sysret sys_fork(Thread& self, const Args& args);
Sysret sys_futex(Thread& self, const Args& args);
Sysret sys_get_robust_list(Thread& self, const Args& args);
Sysret sys_getcpu(Thread& self, const Args& args);
Sysret sys_getegid(Thread& self, const Args& args);
Sysret sys_geteuid(Thread& self, const Args& args);
Sysret sys_getgid(Thread& self, const Args& args);
Sysret sys_getgroups(Thread& self, const Args& args);
Sysret sys_getitimer(Thread& self, const Args& args);
Sysret sys_getpgid(Thread& self, const Args& args);
Sysret sys_getpgrp(Thread& self, const Args& args);
Sysret sys_getpid(Thread& self, const Args& args);
Sysret sys_getppid(Thread& self, const Args& args);
Sysret sys_getpriority(Thread& self, const Args& args);
Sysret sys_getresgid(Thread& self, const Args& args);
Sysret sys_getresuid(Thread& self, const Args& args);
Sysret sys_getrlimit(Thread& self, const Args& args);
Sysret sys_getrusage(Thread& self, const Args& args);
Sysret sys_getsid(Thread& self, const Args& args);
Sysret sys_gettid(Thread& self, const Args& args);
Sysret sys_gettimeofday(Thread& self, const Args& args);
Sysret sys_getuid(Thread& self, const Args& args);
Sysret sys_ioprio_get(Thread& self, const Args& args);
Sysret sys_ioprio_set(Thread& self, const Args& args);
Sysret sys_kill(Thread& self, const Args& args);
Sysret sys_madvise(Thread& self, const Args& args);
Sysret sys_membarrier(Thread& self, const Args& args);
Sysret sys_mincore(Thread& self, const Args& args);
Sysret sys_mlock(Thread& self, const Args& args);
Sysret sys_mlock2(Thread& self, const Args& args);
Sysret sys_mlockall(Thread& self, const Args& args);
Sysret sys_munlockall(Thread& self, const Args& args);
Sysret sys_mmap(Thread& self, const Args& args);
Sysret sys_mprotect(Thread& self, const Args& args);
Sysret sys_mremap(Thread& self, const Args& args);
Sysret sys_msync(Thread& self, const Args& args);
Sysret sys_munmap(Thread& self, const Args& args);
Sysret sys_nanosleep(Thread& self, const Args& args);
Sysret sys_pause(Thread& self, const Args& args);
Sysret sys_personality(Thread& self, const Args& args);
Sysret sys_pidfd_open(Thread& self, const Args& args);
Sysret sys_pidfd_send_signal(Thread& self, const Args& args);
Sysret sys_prctl(Thread& self, const Args& args);
Sysret sys_prlimit64(Thread& self, const Args& args);
Sysret sys_rt_sigaction(Thread& self, const Args& args);
Sysret sys_rt_sigpending(Thread& self, const Args& args);
Sysret sys_rt_sigprocmask(Thread& self, const Args& args);
Sysret sys_rt_sigqueueinfo(Thread& self, const Args& args);
Sysret sys_rt_sigreturn(Thread& self, const Args& args);
Sysret sys_rt_sigsuspend(Thread& self, const Args& args);
Sysret sys_rt_sigtimedwait(Thread& self, const Args& args);
Sysret sys_rt_tgsigqueueinfo(Thread& self, const Args& args);
Sysret sys_sched_get_priority_max(Thread& self, const Args& args);
Sysret sys_sched_get_priority_min(Thread& self, const Args& args);
Sysret sys_sched_getaffinity(Thread& self, const Args& args);
Sysret sys_sched_getattr(Thread& self, const Args& args);
Sysret sys_sched_getparam(Thread& self, const Args& args);
Sysret sys_sched_getscheduler(Thread& self, const Args& args);
Sysret sys_sched_rr_get_interval(Thread& self, const Args& args);
Sysret sys_sched_setaffinity(Thread& self, const Args& args);
Sysret sys_sched_setattr(Thread& self, const Args& args);
Sysret sys_sched_setparam(Thread& self, const Args& args);
Sysret sys_sched_setscheduler(Thread& self, const Args& args);
Sysret sys_sched_yield(Thread& self, const Args& args);
Sysret sys_set_robust_list(Thread& self, const Args& args);
Sysret sys_set_tid_address(Thread& self, const Args& args);
Sysret sys_setdomainname(Thread& self, const Args& args);
Sysret sys_setfsgid(Thread& self, const Args& args);
Sysret sys_setfsuid(Thread& self, const Args& args);
Sysret sys_setgid(Thread& self, const Args& args);
Sysret sys_setgroups(Thread& self, const Args& args);
Sysret sys_sethostname(Thread& self, const Args& args);
Sysret sys_setitimer(Thread& self, const Args& args);
Sysret sys_setpgid(Thread& self, const Args& args);
Sysret sys_setpriority(Thread& self, const Args& args);
Sysret sys_setregid(Thread& self, const Args& args);
Sysret sys_setresgid(Thread& self, const Args& args);
Sysret sys_setresuid(Thread& self, const Args& args);
Sysret sys_setreuid(Thread& self, const Args& args);
Sysret sys_setrlimit(Thread& self, const Args& args);
Sysret sys_setsid(Thread& self, const Args& args);
Sysret sys_settimeofday(Thread& self, const Args& args);
Sysret sys_setuid(Thread& self, const Args& args);
Sysret sys_sigaltstack(Thread& self, const Args& args);
Sysret sys_sysinfo(Thread& self, const Args& args);
Sysret sys_tgkill(Thread& self, const Args& args);
Sysret sys_time(Thread& self, const Args& args);
Sysret sys_timer_create(Thread& self, const Args& args);
Sysret sys_timer_delete(Thread& self, const Args& args);
Sysret sys_timer_getoverrun(Thread& self, const Args& args);
Sysret sys_timer_gettime(Thread& self, const Args& args);
Sysret sys_timer_settime(Thread& self, const Args& args);
Sysret sys_times(Thread& self, const Args& args);
Sysret sys_tkill(Thread& self, const Args& args);
Sysret sys_uname(Thread& self, const Args& args);
Sysret sys_vfork(Thread& self, const Args& args);
Sysret sys_wait4(Thread& self, const Args& args);
Sysret sys_waitid(Thread& self, const Args& args);

}  // namespace hobbes::lwk
