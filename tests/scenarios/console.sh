#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Consoles: everybody sees all of it, anybody types, nobody waits for anybody.
source "$(dirname "$0")/lib.sh"

start_node
create k 2
says() { expect 0 '' hobbes launch_app k -- "$busybox" sh -c "echo $1 > /dev/console"; }
shows() { grep -qF -- "$2" "$1"; }
own_memory() { awk '/^RssAnon/ { print $2 }' "/proc/$leviathan_pid/status"; }  # kB
open_files() { find "/proc/$1/fd" -type l | wc -l; }

# What it has said is printed, all of it, and that is all.
says 'before anybody looked'
expect 0 'co-kernel' hobbes console --dump k
expect 0 'before anybody looked' hobbes console --dump k
expect 1 'nobody' hobbes console nobody
expect 1 'master' hobbes console master
expect 2 '' hobbes console --dump --read-only k

# Several readers see the same; the end of a reader's input is not the end of the output.
readers=()
for n in 1 2 3; do
  hobbes console k < /dev/null > "$work/reader$n" &
  readers+=($!)
done
hobbes console --read-only k < /dev/null > "$work/reader4" &
readers+=($!)
says 'to all readers'
for n in 1 2 3 4; do
  eventually shows "$work/reader$n" 'to all readers'
  cmp "$work/reader1" "$work/reader$n" || fail "reader $n saw something else than reader 1"
done

# One types, and the enclave reads it; a pipe's end does not lose what the enclave answers.
hobbes launch_app --name listener k -- "$busybox" sh -c 'read -r line < /dev/console; echo "heard: $line" > /dev/console' &
listener=$!
eventually app_state listener Running
echo 'a word from outside' | hobbes console k > "$work/typist" &
typist=$!
eventually shows "$work/typist" 'heard: a word from outside'
eventually shows "$work/reader1" 'heard: a word from outside'
wait "$listener" || fail "the program that reads the console ended with $?"

# On a terminal, which is afterwards as it was.
python3 -B "$here/console.py" || fail 'on a terminal'

# A reader that takes nothing holds up neither the enclave nor leviathan nor the others, and costs no memory.
mkfifo "$work/stuck"
exec 9<> "$work/stuck"
hobbes console k < /dev/null > "$work/stuck" &
stuck=$!
memory_before=$(own_memory)
expect 0 '' hobbes launch_app k -- "$busybox" sh -c 'seq 1 400000 > /dev/console; echo the last line > /dev/console'
for n in 1 2 3 4; do eventually shows "$work/reader$n" 'the last line'; done
expect 0 'pong' hobbes ping_enclave k
cost=$(($(own_memory) - memory_before))
# Sanitizers keep what is freed for a while.
[[ -n ${ASAN_OPTIONS:-} ]] || ((cost < 2000)) || fail "a stuck reader cost leviathan $cost kB"
timeout 30 grep -m 1 -qF 'the last line' <&9 || fail 'the stuck reader did not catch up'
exec 9>&-

# A reader that goes leaves nothing behind.
before=$(open_files "$leviathan_pid")
for ((n = 0; n < 20; n++)); do hobbes console --dump k > /dev/null; done
[[ $(open_files "$leviathan_pid") -le $before ]] || fail 'readers that left are still open in leviathan'

# The end of the enclave ends its readers.
expect 0 '' hobbes destroy_enclave k
for reader in "${readers[@]}" "$typist"; do
  wait "$reader" || fail "a reader ended with $? when the enclave did"
done
kill -KILL "$stuck" 2> /dev/null  # its pipe has nobody at the other end any more
finish
