#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs in an enclave: their streams, status, signals and files are their own.
source "$(dirname "$0")/lib.sh"

start_node
create k 2
expect 0 'Running' hobbes list_enclaves

# Streams and status.
expect_output 'hello world' hobbes launch_app k -- "$busybox" echo hello world
expect_output 'a b' hobbes launch_app k "$busybox" echo 'a b'
expect_output 'THROUGH A PIPE' bash -c "echo 'through a pipe' | hobbes launch_app k -- $busybox tr a-z A-Z"
expect 7 '' hobbes launch_app k -- "$busybox" sh -c 'exit 7'
expect_output '' bash -c "hobbes launch_app k -- $busybox sh -c 'echo to stderr >&2' 2>/dev/null"
expect_output '6' hobbes launch_app k -- "$busybox" sh -c 'echo one two three four five six | wc -w'
expect_output '3' hobbes launch_app k -- "$busybox" sh -c 'x=0; for i in 1 2 3; do (exit $i) || x=$((x+1)); done; echo $x'
expect_output 'from-env' env MARK=from-env hobbes launch_app k -- "$busybox" sh -c 'echo $MARK'
expect_output "$PWD" hobbes launch_app k -- "$busybox" pwd

# A large stream, both ways, byte for byte.
head -c 20000000 /dev/urandom > "$work/random"
expected=$(sha256sum < "$work/random")
[[ $(hobbes launch_app k -- "$busybox" cat < "$work/random" | sha256sum) == "$expected" ]] || fail 'cat changed the stream'
[[ $(hobbes launch_app k -- "$busybox" cat "$work/random" | sha256sum) == "$expected" ]] || fail 'cat changed the file'

# Ends by signal.
expect 139 '' hobbes launch_app k -- "$build/examples/segfault"
expect 137 '' hobbes launch_app k -- "$busybox" sh -c 'kill -9 $$'
expect 0 '' hobbes launch_app k -- "$busybox" true

# In the background.
expect 0 '' hobbes launch_app -d --name spinner k "$build/examples/spin"
expect 0 'spinner.*Running' hobbes list_apps
expect 1 'taken' hobbes launch_app -d --name spinner k "$build/examples/spin"
eventually grep -q spinning "$HOBBES_RUN_DIR"/apps/*.log  # it has its handler
expect 0 '' hobbes kill_app -s TERM spinner
expect 0 '' hobbes wait_app spinner  # it ends politely
expect 0 '' hobbes launch_app -d --name victim k "$build/examples/spin"
expect 0 '' hobbes kill_app -s KILL victim
expect 137 '' hobbes wait_app victim

# Interrupts reach the program.
timeout -s INT 1 hobbes launch_app k -- "$build/examples/spin"
[[ $? -eq 130 || $? -eq 124 ]] || fail "Ctrl-C: status $?"

# The same rules on the Linux side.
expect_output 'hello' hobbes launch_app master -- "$busybox" echo hello
expect 7 '' hobbes launch_app master -- "$busybox" sh -c 'exit 7'
expect 139 '' hobbes launch_app master -- "$build/examples/segfault"

# Numbers come out right.
expect 0 '' hobbes launch_app k -- "$build/examples/conjugate-gradient" 48

# Killing the launcher ends a foreground program.
hobbes launch_app --name orphan k "$build/examples/spin" &
launcher=$!
eventually app_state orphan Running
kill -KILL "$launcher"
eventually bash -c '! hobbes list_apps | grep -qE "orphan .*Running"'
expect 0 '' hobbes launch_app k -- "$busybox" true

# Programs that are none.
expect 1 'No such file' hobbes launch_app k -- /no/such/program
chmod +x "$work/k.xml"
expect 1 'ELF' hobbes launch_app k -- "$work/k.xml"
finish
