#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever a program issues or jumps to, Linux does not hear of it, and the enclave and its other programs live on.
source "$(dirname "$0")/lib.sh"

start_node
create k 2 160
programs=$build/tests/scenarios/programs
expect 0 '' hobbes launch_app -d --name neighbour k "$build/examples/spin"

# The enclave's Linux processes: whoever holds its memory and is neither leviathan nor a proxy. They share descriptors,
# working directory and umask, so that a call of any of them that came to Linux would be seen in all.
enclave_processes() {
  local pid
  note_memory
  for pid in $(memory_holders | sort -un); do
    [[ $pid -ne $leviathan_pid && $(< "/proc/$pid/comm") != hobbes-proxy ]] && echo "$pid"
  done 2> /dev/null
}
canary() {
  local pid=$1
  ls -l "/proc/$pid/fd" | awk 'NR > 1 { print $(NF - 2), $NF }' | sort
  readlink "/proc/$pid/cwd" "/proc/$pid/root"
  grep -E '^(Umask|Uid|Gid|NSpid|NStgid|NoNewPrivs|Seccomp|CapEff)' "/proc/$pid/status"
  cat "/proc/$pid/personality" 2> /dev/null
  awk '{ sub(/.*\) /, ""); print $16, $17 }' "/proc/$pid/stat" # priority and nice value
}
mapfile -t processes < <(enclave_processes)
((${#processes[@]} >= 2)) || fail "the enclave has ${#processes[@]} processes"
for pid in "${processes[@]}"; do
  grep -q '^Seccomp:.*2' "/proc/$pid/status" || fail "process $pid has no filter"
  canary "$pid" > "$work/canary.$pid"
done

# Every number, with its own instruction: all of them come to the co-kernel, and what that does not have is ENOSYS.
for option in '' --no-rewrite; do
  expect 0 'all issued' hobbes launch_app $option --name "every$option" k -- "$programs/every-call"
  hobbes syscalls --json "every$option" | python3 -c '
import json, sys
rows = {row["number"]: row for row in json.load(sys.stdin)["calls"]}
past_filters = {335, 336}  # docs/hosted-port.md: uretprobe and uprobe, which Linux answers itself
missing = [number for number in set(range(601)) - past_filters if rows.get(number, {"calls": 0})["calls"] == 0]
assert not missing, f"the co-kernel did not see {missing}"
succeeded = [n for n, row in rows.items() if not row["implemented"] and row["errors"] != row["calls"]]
assert not succeeded, f"unimplemented, and yet they did something: {succeeded}"' || fail 'calls went elsewhere'
done
hobbes launch_app k -- "$programs/every-call" > "$work/results"
grep -E 'status' "$work/results" > "$work/ended"
while IFS=: read -r number status; do
  case $number in
    15 | 34 | 60 | 231) ;; # rt_sigreturn, pause, exit, exit_group do not return
    335) ;;                # Linux itself answers with SIGILL
    *) fail "call $number ended its process:$status" ;;
  esac
done < "$work/ended"

# Jumps into the way in and out.
expect 0 '[1-9][0-9]* killed' hobbes launch_app k -- "$programs/entry-jumps"
expect 0 '[1-9][0-9]* killed' hobbes launch_app k -- "$programs/entry-jumps" 0x16c

# Nothing has come to Linux, and everybody else lives.
for pid in "${processes[@]}"; do
  canary "$pid" | diff "$work/canary.$pid" - || fail "process $pid has changed"
done
expect 0 'neighbour .*Running' hobbes list_apps
expect_output 'still here' hobbes launch_app k -- "$busybox" echo still here
expect 0 'pong' hobbes ping_enclave k
expect 0 '' hobbes kill_app -s KILL neighbour
finish
