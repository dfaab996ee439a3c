#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs behave in an enclave as they do on Linux: with rewritten system calls, and with the trap alone.
source "$(dirname "$0")/lib.sh"

start_node
create k 2 160

for name in clones credentials epoll events files futexes inotify mapped-files memory open-how plain-calls pointers poll proc \
  processes registers rest rewriting scheduling segments shared-files signals sockets threads timers; do
  same_on_both "$build/tests/scenarios/programs/conformance-$name"
  expect 0 ': 0 failures' hobbes launch_app --no-rewrite k -- "$build/tests/scenarios/programs/conformance-$name"
done

readonly late=("$build/tests/scenarios/programs/conformance-loaded-late" "$build/tests/scenarios/programs/late-sites.so")
same_on_both "${late[@]}"
expect 0 ': 0 failures' hobbes launch_app --no-rewrite k -- "${late[@]}"

# Dynamic programs, position-independent or not: what of this machine is one.
for program in /bin/true /bin/ls /usr/bin/env /bin/bash; do
  [[ -x $program ]] && same_on_both "$program" --version
done

script() { same_on_both "$busybox" sh -c "$1"; }
script 'echo $((6 * 7)); printf "%05d\n" 42'
script 'seq 1 1000 | sort -rn | head -3 | tr "\n" " "'
script 'for i in 1 2 3 4 5; do echo $i; done | while read x; do echo $((x * x)); done | paste -sd+ - | bc 2>/dev/null || true'
script 'x=$(echo inner | sed s/inner/outer/); echo $x; false || echo recovered; exit 5'
script '(echo a; echo b >&2) 2>&1 | sort; set -- 1 2 3; shift; echo $#'
script 'trap "echo trapped" USR1; kill -USR1 $$; echo after'
script 'sleep 0.1 & wait $!; echo waited $?'
script 'cat /etc/passwd | cut -d: -f1 | head -5 | md5sum'
script 'cd / && pwd && ls -d /etc /usr && test -d /etc && echo is a directory'
script 'yes | head -100000 | wc -c'
script 'dd if=/dev/zero bs=4096 count=256 2>/dev/null | sha256sum'
script 'find /etc/default -type f 2>/dev/null | sort | head -20'
script 'awk "BEGIN { for (i = 0; i < 100000; i++) s += i; print s }"'
script 'echo hello | gzip | gunzip; tar cf - -C /etc passwd | tar tf -'
finish
