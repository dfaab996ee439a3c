#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# the conformance programs find Linux's behaviour in a native enclave; scripts do the same there and on Linux
# programs: leviathan/leviathan shell/hobbes cokernel/arch/x86_64/cokernel-x86_64
# programs: kernel-bridge/host-io/hobbes-proxy leviathan/apps/hobbes-keeper
# conformance: clones credentials epoll events files futexes inotify memory pointers poll proc
# conformance: processes registers scheduling shared-files signals sockets threads timers
# modules: kernel-bridge/pisces/module/pisces.ko
# files: tests/rig/files/wide.xml
. /lib/rig/lib.sh
. /lib/rig/node.sh

# same_on_both COMMAND...: what it prints, and its status
same_on_both() {
  checks=$((checks + 1))
  linux=$(timeout 60 "$@" 2>&1 < /dev/null; echo "status $?")
  enclave=$(timeout 60 hobbes launch_app native -- "$@" 2>&1 < /dev/null; echo "status $?")
  [ "$linux" = "$enclave" ] || fail "$*: Linux: '$linux'; enclave: '$enclave'"
}
script() { same_on_both /bin/busybox sh -c "$1"; }

start_leviathan
expect 0 '' hobbes create_enclave /files/wide.xml
# The programs know what Linux does. On the Linux beside, some fail: it is slow, and has no cgroups.
for program in /programs/conformance-*; do
  section "${program##*/conformance-}"
  expect 0 ': 0 failures' timeout 60 hobbes launch_app native -- "$program"
done

section 'scripts'
script 'echo $((6 * 7)); printf "%05d\n" 42'
script 'seq 1 1000 | sort -rn | head -3 | tr "\n" " "'
script 'x=$(echo inner | sed s/inner/outer/); echo $x; false || echo recovered; exit 5'
script 'trap "echo trapped" USR1; kill -USR1 $$; echo after'
script 'sleep 0.1 & wait $!; echo waited $?'
script 'cat /etc/passwd | cut -d: -f1 | head -5 | md5sum'
script 'yes | head -10000 | wc -c'
script 'echo hello | gzip | gunzip; tar cf - -C /etc passwd | tar tf -'

expect 0 '' hobbes destroy_enclave native
stop_node
finish
