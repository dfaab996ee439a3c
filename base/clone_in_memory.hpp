// SPDX-License-Identifier: Apache-2.0
// clone_in_memory: a child that shares our memory while this thread sleeps, as vfork(2) makes one, and what it may do
// there without touching what libc or a sanitizer keeps for us.
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer takes clone() for a fork, after which it lets nobody start threads. glibc's other name for it escapes
// that; what the child does counts as this thread's then, and is not looked at.
extern "C" {
int __clone(int (*child)(void*), void* stack_end, int flags, void* argument, ...) noexcept;
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
}
#endif

namespace hobbes {

/// Runs child(argument) on the stack that ends at `stack_end`; comes back when the child has executed a program or left.
/// Its id, and `pidfd` set; or -1 with errno. All signals have to be blocked.
inline pid_t clone_in_memory(int (*child)(void*), void* stack_end, void* argument, int& pidfd) {
  constexpr int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
#if defined(__SANITIZE_THREAD__)
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
  const pid_t pid = __clone(child, stack_end, flags, argument, &pidfd);
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return pid;
#else
  return ::clone(child, stack_end, flags, argument, &pidfd);
#endif
}

/// In the child: instead of _exit().
[[noreturn]] inline void leave_clone(int status) {
  while (true) ::syscall(SYS_exit_group, status);
}

/// In the child: what sigaction() to SIG_DFL would do.
inline void reset_signal_in_clone(int signal) {
  constexpr unsigned long standard[4] = {};  // the kernel's struct sigaction
  ::syscall(SYS_rt_sigaction, signal, standard, nullptr, sizeof(standard[0]));
}

}  // namespace hobbes
