#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every command as a newcomer types it: its help, its JSON, the options of a launch, and Ctrl-C.
source "$(dirname "$0")/lib.sh"

mapfile -t commands < <(hobbes help | sed -n 's/^  \([a-z_]*\) *-- .*/\1/p')
[[ ${#commands[@]} -gt 20 ]] || fail "help lists ${#commands[@]} commands"
for command in "${commands[@]}"; do
  expect 0 "^Usage: hobbes $command" hobbes "$command" -h
  expect 0 "^Usage: hobbes $command" hobbes "$command" --help
  expect 0 "^Usage: hobbes $command" hobbes help "$command"
  expect 2 "unknown option '--frobnicate'" hobbes "$command" --frobnicate
  expect 2 'run-dir needs a value' hobbes "$command" --run-dir
done
expect 0 'prompt' hobbes --help
expect 2 "Try 'hobbes help'" hobbes --frobnicate

start_node
create k 2 160

# Every list, as JSON, with and without something in it.
parses() { hobbes "$@" --json | python3 -m json.tool > /dev/null || fail "$*: its JSON does not parse"; }
for command in "${commands[@]}"; do
  [[ $command == list_* || $command == check_db ]] && parses "$command"
done

# What an <app> file describes, in an enclave and on the Linux side.
app() {  # app NAME ELEMENTS...
  printf '<app name="%s">%s</app>\n' "$1" "${*:2}" > "$work/$1.xml"
}
app told "<path>$busybox</path><argv>sh -c 'echo \$GREETING; ulimit -s'</argv><envp>GREETING=\"hello there\"</envp>" \
  '<stack_size>512K</stack_size><heap_size>8M</heap_size>'
expect_output $'hello there\n512' hobbes launch_app k -f "$work/told.xml"
expect_output $'goodbye\n1024' hobbes launch_app k --envp GREETING=goodbye --stack_size 1 -f "$work/told.xml"
app plain "<path>$busybox</path><argv>sh -c 'echo \$GREETING'</argv><envp>GREETING=hi</envp>"
expect_output hi hobbes launch_app master -f "$work/plain.xml"
expect_output hi hobbes launch_app k -f "$work/plain.xml"
expect 1 'are for enclaves' hobbes launch_app master -f "$work/told.xml"
expect 2 'give one of them' hobbes launch_app k -f "$work/plain.xml" "$busybox"
expect 1 'none.xml: No such file' hobbes launch_app k -f "$work/none.xml"
app wrong '<colour>red</colour>'
expect 1 'wrong.xml:1: .*colour' hobbes launch_app k -f "$work/wrong.xml"

# The options of a launch.
expect_output '1 2' hobbes launch_app k --envp 'A=1 B=2' -- "$busybox" sh -c 'echo $A $B'
expect_output '1 2' hobbes launch_app master --envp 'A=1 B=2' -- "$busybox" sh -c 'echo $A $B'
expect 2 'NAME=VALUE' hobbes launch_app k --envp A -- "$busybox" true
expect_output 1 hobbes launch_app k --cpulist 1 -- "$busybox" nproc
expect_output 2 hobbes launch_app k --cpulist 0-1 -- "$busybox" nproc
expect 1 'CPU' hobbes launch_app k --cpulist 7 -- "$busybox" true
expect 2 'not a list of CPUs' hobbes launch_app k --cpulist 1- -- "$busybox" true
expect_output 2048 hobbes launch_app k --stack_size 2 -- "$busybox" sh -c 'ulimit -s'
expect 1 'heap' hobbes launch_app k --heap_size 100000 -- "$busybox" true
expect 2 'out of range' hobbes launch_app k --heap_size 0 -- "$busybox" true
expect_output works hobbes launch_app k --heap_size 64 --use-large-pages -- "$busybox" echo works
expect 0 '' hobbes launch_app --name 'a name' k -- "$busybox" true
expect 0 'a name' hobbes list_apps
expect 0 '' hobbes wait_app 'a name'

# Ranks on the Linux side.
hobbes launch_app master --oversubscribe -np 2 -- "$busybox" sh -c 'echo rank $PMI_RANK of $PMI_SIZE' | sort > "$work/ranks"
[[ $(< "$work/ranks") == $'rank 0 of 2\nrank 1 of 2' ]] || fail "two ranks said: $(< "$work/ranks")"
expect 3 '' hobbes launch_app master --oversubscribe -np 2 -- "$busybox" sh -c 'exit $((PMI_RANK * 3))'

# In the background: by name and by number; every way to end.
for enclave in k master; do
  expect 0 'Launched application [0-9]+' hobbes launch_app -d --name "job-$enclave" "$enclave" -- "$build/examples/spin"
  expect 0 "job-$enclave.*Running" hobbes list_apps
  parses list_apps
  expect 0 '' hobbes kill_app -s KILL "job-$enclave"
  expect 137 '' hobbes wait_app "job-$enclave"
  number=$(hobbes launch_app -d "$enclave" -- "$busybox" sh -c 'exit 5' | tr -dc 0-9)
  expect 5 '' hobbes wait_app "$number"
  number=$(hobbes launch_app -d "$enclave" -- "$build/examples/spin" | tr -dc 0-9)
  expect 0 '' hobbes kill_app -s SIGUSR1 "$number"
  expect 138 '' hobbes wait_app "$number"
  expect 1 '' hobbes kill_app "$number"
done
expect 2 'neither a name nor a number' hobbes kill_app -s NOSUCH 1
expect 1 'none of that name or number' hobbes wait_app 99999

# Ctrl-C on a terminal is the program's.
HOBBES_EXAMPLES=$build/examples python3 -B "$here/interrupts.py" || fail 'Ctrl-C on a terminal'

# Looking into a queue that is in use.
(for ((n = 0; n < 20; n++)); do hobbes ping_enclave -c 200 -s 4K k || exit 1; done > /dev/null) &
load=$!
for ((n = 0; n < 20; n++)); do expect 0 'Command' hobbes dump_cmd_queue k; done
wait "$load" || fail 'a ping failed while the queue was dumped'
expect 1 'master' hobbes dump_cmd_queue master
finish
