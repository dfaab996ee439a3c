#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# CPUs and memory leave an enclave and come back while a program of several threads computes on them.
source "$(dirname "$0")/lib.sh"

readonly workers=$build/tests/scenarios/programs/workers
[[ $(nproc) -ge 2 ]] || skip 'a CPU can only be taken away where there are two'
start_node
create k 2 96

# The Linux processes of the enclave's programs: children of its init, which is leviathan's.
program_pids() {
  local child
  for child in $(pgrep -P "$leviathan_pid"); do
    grep -q '^7e0000000000-' "/proc/$child/maps" 2> /dev/null && pgrep -P "$child"
  done
}
# threads_on LIST: all threads of the enclave's programs may run on these CPUs of Linux, and on no others
threads_on() {
  local pid statuses=
  for pid in $(program_pids); do statuses+=$(cat "/proc/$pid/task/"*/status 2> /dev/null | grep Cpus_allowed_list)$'\n'; done
  [[ -n $statuses && $(awk 'NF { print $2 }' <<< "$statuses" | sort -u) == "$1" ]]
}

# have_begun N: so many of the detached programs have their memory
have_begun() { [[ $(cat "$HOBBES_RUN_DIR"/apps/*.log | grep -c 'at work') -eq $1 ]]; }

expect 0 '' hobbes launch_app -d --name work k "$workers" 16
eventually threads_on 0-1
for round in 1 2 3 4 5; do
  removed=$(hobbes remove_cpus k 1 | grep -oE '\([0-9]+\)' | tr -d '()')
  [[ -n $removed ]] || fail "round $round: no CPU was removed"
  eventually threads_on $((1 - removed))
  expect 0 '' hobbes check_db
  expect 0 '' hobbes assign_cpus k --cpulist "$removed"
  eventually threads_on 0-1
done
expect 1 'free' hobbes assign_cpus k 1  # both are there already

# Memory that nobody uses comes and goes under the program, and its proxy learns of both.
proxy_maps() { [[ $(grep -c '^7c' "/proc/$(busy_proxies)/maps") -eq $1 ]]; }
proxy_maps 3 || fail 'the proxy does not have the three blocks its enclave booted with'
expect 0 '' hobbes assign_memory k 32
proxy_maps 4 || fail 'the proxy does not know the block that was added'
expect 0 '' hobbes remove_memory k 32
proxy_maps 3 || fail 'the proxy still maps a block that its enclave has lost'
before=$(free_blocks)
for round in 1 2 3 4 5; do
  expect 0 '' hobbes assign_memory k 64
  expect 0 '' hobbes remove_memory k 64
done
[[ $(free_blocks) -eq $before ]] || fail "$(free_blocks) blocks are free, $before were before"
expect 0 '' hobbes check_db
app_state work Running || fail 'the program did not survive'
expect 0 '' hobbes kill_app -s TERM work
expect 0 '' hobbes wait_app work

# Memory in use stays, and the database says so; it goes when the program has ended.
expect 0 '' hobbes assign_memory k 64
expect 0 '' hobbes launch_app -d --name big k "$workers" 96
eventually have_begun 2
expect 1 'in use' hobbes remove_memory k 64
[[ $(free_blocks) -eq $((before - 2)) ]] || fail "after a refusal $(free_blocks) blocks are free, not $((before - 2))"
expect 0 '' hobbes check_db
expect_output 'still there' hobbes launch_app k -- "$busybox" echo still there
expect 0 '' hobbes kill_app -s TERM big
expect 0 '' hobbes wait_app big
expect 0 '' hobbes remove_memory k 64
[[ $(free_blocks) -eq $before ]] || fail "$(free_blocks) blocks are free, $before were before"
expect_output 'all as written' hobbes launch_app k -- "$workers" 16 1

# Files are read into memory that was added while the program ran, byte for byte: the pipe is filled when it is there.
head -c 67108864 /dev/urandom > "$work/random"
expected=$(sha256sum < "$work/random")
mkfifo "$work/late"
hobbes launch_app k -- "$busybox" sh -c 'cat > /enclave/late && sha256sum < /enclave/late' < "$work/late" > "$work/sum" &
reader=$!
exec 3> "$work/late"
eventually some_proxy_serves
expect 0 '' hobbes assign_memory k 96
cat "$work/random" >&3
exec 3>&-
wait "$reader" || fail "reading into added memory ended with $?"
[[ $(cat "$work/sum") == "$expected" ]] || fail 'reading into added memory changed the bytes'

# What comes while a program runs is its own as soon as it asks.
expect 0 '' hobbes remove_cpus k 1
expect 0 '' hobbes launch_app -d --name grows k "$build/tests/scenarios/programs/grows" 1 192
waits() { grep -q waiting "$(ls -t "$HOBBES_RUN_DIR"/apps/*.log | head -n 1)"; }
eventually waits
expect 0 '' hobbes assign_cpus k 1
expect 0 '' hobbes assign_memory k 160
expect 0 '' hobbes wait_app grows
grep -q 'has CPU 1 and 192 MiB' "$(ls -t "$HOBBES_RUN_DIR"/apps/*.log | head -n 1)" || fail 'the program did not get what came'
finish
