#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SMARTMAP: the ranks of an application see each other's memory.
source "$(dirname "$0")/lib.sh"

start_node
create k 2 224
readonly smartmap=$build/tests/scenarios/programs/smartmap

# all_right RANKS [options]: every rank says so
all_right() {
  local count=$1
  shift
  expect_output "$(printf '%s\n' "$count" $((count - 1)))" bash -c "hobbes launch_app k --use-smartmap --oversubscribe -np $count $* -- $smartmap |
    tee '$work/said' | awk '/^rank/ { n++ } /: 0 failures/ { m++ } END { print n; print m - 1 }'"
}

for count in 2 3 5; do
  all_right "$count"
  all_right "$count" --no-rewrite
done
all_right 2 --use-large-pages --heap_size 8 --stack_size 2

# Dynamic, position-independent programs find room below the slots; a rank whose program is another's child still is one.
expect 0 '' hobbes launch_app k --use-smartmap --oversubscribe -np 3 -- /bin/ls /
expect_output $'0\n1' bash -c "hobbes launch_app k --use-smartmap --oversubscribe -np 2 -- $busybox sh -c 'echo \$PMI_RANK | cat' | sort"

# Who is killed takes nothing with him that others wait for.
expect 0 '' hobbes launch_app -d --name spinning k --use-smartmap --oversubscribe -np 3 "$build/examples/spin"
expect 0 '' hobbes kill_app -s KILL spinning
expect 137 '' hobbes wait_app spinning
expect 1 'memory' hobbes launch_app k --use-smartmap --oversubscribe -np 3 --stack_size 128M -- "$smartmap"
expect 1 '245 ranks' hobbes launch_app k --use-smartmap --oversubscribe -np 246 -- "$smartmap"
finish
