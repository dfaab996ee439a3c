#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every system call of the co-kernel's tables is made by one of these programs, so that it has been compared with Linux:
# by its name, its number (SYS_name), or the function of the C library that makes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

# What the C library calls them where that is not the call's own name.
declare -A library=(
  [rt_sigaction]=sigaction [rt_sigprocmask]='sigprocmask|pthread_sigmask' [rt_sigpending]=sigpending
  [rt_sigtimedwait]='sigtimedwait|sigwaitinfo|sigwait' [rt_sigsuspend]=sigsuspend [rt_sigqueueinfo]=sigqueue
  [rt_sigreturn]=sa_handler [newfstatat]=fstatat [pread64]=pread [pwrite64]=pwrite [fadvise64]=posix_fadvise
  [exit]=pthread_exit [exit_group]=_exit [mknodat]=mkfifoat [sendfile]=sendfile [wait4]=waitpid
)
tables=(cokernel/kernel/syscall_table.cpp cokernel/kernel/fs/file_calls.cpp)
names=$(grep -ohE '\{[0-9]+, "[a-z0-9_]+", sys_' "${tables[@]}" | cut -d'"' -f2)
# What names calls in a table of its own, to give all of them bad pointers, compares nothing else.
mapfile -t programs < <(ls tests/scenarios/programs/*.c | grep -vE '/(pointers|every-call)\.c$')

missing=0
for name in $names; do
  grep -qE "\b(SYS_)?$name\b|\b(${library[$name]:-$name})\b" "${programs[@]}" && continue
  echo "no conformance program makes $name" >&2
  missing=$((missing + 1))
done
echo "$(wc -w <<< "$names") calls, $missing without a program"
exit $((missing > 0))
