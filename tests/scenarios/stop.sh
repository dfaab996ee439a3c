#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How leviathan stops: not while something lives; with --force in order, whatever lives.
source "$(dirname "$0")/lib.sh"

cat > "$work/polite.sh" << 'SH'
trap 'echo asked >> "$1"; exit 5' TERM
echo up >> "$1"
while :; do sleep 0.05; done
SH
cat > "$work/stubborn.sh" << 'SH'
trap '' TERM
setsid sleep 1000 & # what flees into a session of its own is still the application's
echo up >> "$1"
while :; do sleep 0.05; done
SH
is_up() { grep -q up "$1"; }

# Refused while something lives.
start_node
create k
expect 0 '' hobbes launch_app -d --name linux master -- "$busybox" sh "$work/polite.sh" "$work/linux"
eventually is_up "$work/linux"
kill -TERM "$leviathan_pid"
eventually grep -q 'does not stop: enclaves that live: 1, applications of the master: 1' "$work/leviathan.log"
expect 0 '' hobbes ping_enclave k
kill -KILL "$leviathan_pid"
wait "$leviathan_pid" 2> /dev/null

# The next one, which adopted all of it, stops by force: applications are asked first, and those who wait hear of it.
start_node --force
hobbes wait_app linux > /dev/null 2>&1 &
waiter=$!
hobbes launch_app --name foreground master -- "$busybox" sh "$work/polite.sh" "$work/foreground" > /dev/null 2>&1 &
launcher=$!
expect 0 '' hobbes launch_app -d --name stubborn master -- "$busybox" sh "$work/stubborn.sh" "$work/stubborn"
expect 0 '' hobbes launch_app -d --name spinner k "$build/examples/spin"
eventually is_up "$work/foreground"
eventually is_up "$work/stubborn"
note_memory
stop_node || fail "the forced stop ended with $?"
wait "$waiter"
[[ $? -eq 5 ]] || fail "who waited for the application was told otherwise than its exit code 5"
wait "$launcher"
[[ $? -eq 5 ]] || fail "the launcher of the application was told otherwise than its exit code 5"
grep -q asked "$work/linux" || fail 'the adopted application was not asked to end'
grep -q asked "$work/foreground" || fail 'the application in the foreground was not asked to end'
eventually no_processes_left || our_processes | describe >&2
[[ ! -e $HOBBES_RUN_DIR ]] || fail "left behind: $(ls -A "$HOBBES_RUN_DIR")"

start_node
finish
