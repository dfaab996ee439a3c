#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What dies dies alone; what crashed gives everything back.
source "$(dirname "$0")/lib.sh"

start_node
blocks=$(free_blocks)
cpus=$(free_cpus)
create k
create other

# A program's death is its own.
expect 0 '' hobbes launch_app -d --name bystander k "$build/examples/spin"
expect 139 '' hobbes launch_app k -- "$build/examples/segfault"
app_state bystander Running || fail 'a segfault took another program along'

# A dead proxy means EIO for its program, and nothing else.
hobbes launch_app --name reader k -- "$busybox" sh -c 'sleep 1; echo x || exit 3' > /dev/null 2>&1 &
reader=$!
eventually app_state reader Running
kill -KILL "$(busy_proxies | tail -n 1)"
wait "$reader"
status=$?
[[ $status -eq 3 ]] || fail "a program whose proxy died ended with $status, expected the 3 of its failed echo"
expect 0 '' hobbes launch_app k -- "$busybox" true

# An enclave whose processes are killed has crashed, its applications too.
pid=$(awk '{print $1; exit}' "$HOBBES_RUN_DIR"/enclaves/*/init.stat)
[[ -n $pid ]] || fail 'no init process to kill'
kill -KILL "$pid"
crashed() { hobbes list_enclaves | grep -q Crashed; }
eventually crashed
name=$(hobbes list_enclaves | awk -F'|' '/Crashed/ { gsub(/ /, "", $3); print $3 }')
expect 1 '' hobbes ping_enclave "$name"
expect 0 '' hobbes check_db
expect 0 '' hobbes destroy_enclave "$name"
for left in k other; do
  [[ $left == "$name" ]] && continue
  expect 0 '' hobbes launch_app "$left" -- "$busybox" true
  expect 0 '' hobbes destroy_enclave "$left"
done
[[ $(free_blocks) -eq $blocks && $(free_cpus) -eq $cpus ]] || fail 'the crashed enclave kept something'
finish
