#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What programs cost, as counted: system calls by number, and nothing of Linux while a program computes.
source "$(dirname "$0")/lib.sh"

start_node
create k 2 160
programs=$build/tests/scenarios/programs

# While a program computes: no page fault, no call of Linux, no trap but that of asking, where calls are left on it. One that
# does not compute differs.
expect_output 'faults 0 linux 0 traps 0 host 0' hobbes launch_app k -- "$programs/computes"
expect 0 'faults 0 linux 0 traps 1 host 0' hobbes launch_app --no-rewrite k -- "$programs/computes"
expect 0 'linux [1-9]' hobbes launch_app k -- "$programs/computes" sleep
expect 0 'linux [1-9]' hobbes launch_app k -- "$programs/computes" map
expect 0 'traps [1-9]' hobbes launch_app --no-rewrite k -- "$programs/computes" sleep
expect 0 'private-calls: 0 failures' hobbes launch_app --name private k -- "$programs/private-calls"
expect 0 'Unimplemented +:.* 599 \? x 1' hobbes syscalls private
expect 0 '599 .* nobody' hobbes syscalls private
expect 0 'private-calls: 0 failures' hobbes launch_app --no-rewrite k -- "$programs/private-calls"

expect 0 '' hobbes launch_app -np 2 k -- "$programs/private-calls"

# usage_of NAME: what list_apps --verbose says of its system calls, traps, Linux calls and page faults
usage_of() {
  hobbes list_apps --verbose --json | python3 -c '
import json, sys
for row in json.load(sys.stdin)["applications"]:
    if row["application"] == sys.argv[1]:
        print(*(row[key] for key in ("system_calls", "trapped", "linux_calls", "minor_faults", "major_faults")))' "$1"
}
# Once it computes, its counts stand still.
stands_still() {
  local before
  before=$(usage_of "$1") && [[ -n $before && $before != *None* ]] && sleep 0.2 && [[ $(usage_of "$1") == "$before" ]]
}
expect 0 '' hobbes launch_app -d --name computer k "$programs/computes" forever
eventually stands_still computer
before=$(usage_of computer)
sleep 1
[[ $(usage_of computer) == "$before" ]] || fail "a program that computes went from '$before' to '$(usage_of computer)'"
expect 0 'computer .*Running' hobbes list_apps --verbose
expect 0 '' hobbes launch_app -d --name sleeper k "$busybox" sh -c 'while sleep 0.01; do :; done'
before=$(usage_of sleeper)
differs() { [[ $(usage_of sleeper) != "$before" ]]; }
eventually differs
expect 0 '' hobbes kill_app -s KILL sleeper

# call NAME KEY SUBJECT: a field of one call's row
call() {
  hobbes syscalls --json "$3" | python3 -c '
import json, sys
print(next((row[sys.argv[2]] for row in json.load(sys.stdin)["calls"] if row["name"] == sys.argv[1]), "none"))' "$1" "$2"
}
check_call() {  # check_call EXPECTED NAME KEY SUBJECT
  checks=$((checks + 1))
  local got
  got=$(call "${@:2}")
  [[ $got == "$1" ]] || fail "syscalls ${*:2}: $got, expected $1"
}
# Running, and ended; rewritten, and on the trap.
expect 0 'task_counters' hobbes syscalls computer
check_call 2 task_counters calls computer
expect 0 '' hobbes kill_app -s KILL computer
expect 137 '' hobbes wait_app computer
check_call 2 task_counters calls computer
expect 0 '' hobbes launch_app --name counted k -- "$busybox" sh -c 'x=0; while [ $x -lt 50 ]; do echo; x=$((x + 1)); done'
check_call 50 write calls counted
check_call 50 write host counted
check_call 0 write errors counted
expect 0 'Sites rewritten +: [1-9]' hobbes syscalls counted
expect 0 '' hobbes launch_app --no-rewrite --name trapped k -- "$busybox" true
expect 0 'Sites rewritten +: 0' hobbes syscalls trapped
expect 0 'Sites left trapping: [1-9]' hobbes syscalls trapped
expect 1 'No such file' hobbes launch_app --name failing k -- "$busybox" cat /no/such/file
check_call 1 openat errors failing

# The most frequent first, unless asked otherwise.
first() { hobbes syscalls --json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin)["calls"][0]["name"])'; }
[[ $(first counted) == write ]] || fail "most frequent: $(first counted)"
hobbes syscalls --json --sort number k | python3 -c '
import json, sys
numbers = [row["number"] for row in json.load(sys.stdin)["calls"]]
assert len(numbers) > 5 and numbers == sorted(numbers)' || fail 'not sorted by number'
expect 0 '' hobbes syscalls --top 1 k
expect 2 'calls, errors, time or number' hobbes syscalls --sort nothing k
expect 1 'none of that name' hobbes syscalls nobody
expect 1 'master' hobbes syscalls master
finish
