#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pisces.ko: what it refuses, a kernel on CPUs and memory that Linux gave up, 100 rounds, everything back
# programs: tests/rig/programs/pisces-test
# kernel says: pisces: enclave 0 is stopped: Linux goes down
# modules: kernel-bridge/pisces/module/pisces.ko
. /lib/rig/lib.sh

section 'loading'
expect 22 'Invalid argument' insmod /modules/pisces.ko trampoline=0x20000
expect 22 'Invalid argument' insmod /modules/pisces.ko trampoline=0x200000
expect 22 'Invalid argument' insmod /modules/pisces.ko trampoline=0x10800
expect 0 'not reserved' dmesg
check 'it loads' insmod /modules/pisces.ko
expect 0 '^crw------- .* root +root' ls -l /dev/pisces

memory_before=$(grep MemTotal /proc/meminfo)
RIG_BLOCKS=$(free_blocks)
export RIG_BLOCKS

for part in version capability destroy-all refusals parameters life scrub wild two; do
  section "$part"
  expect 0 ' 0 failed' pisces-test "$part"
  expect 0 '^0-3$' cat /sys/devices/system/cpu/online
done

section 'rounds'
expect 0 '100 rounds' pisces-test rounds "${ROUNDS:-100}"

section 'afterwards'
equal 'CPUs that are online' 0-3 "$(cat /sys/devices/system/cpu/online)"
equal 'memory' "$memory_before" "$(grep MemTotal /proc/meminfo)"
expect 1 '' grep -l offline /sys/devices/system/memory/memory*/state

section 'removal'
sh -c 'exec sleep 1000 3<> /dev/pisces' &
holder=$!
sleep 0.5
expect 1 'Resource temporarily unavailable' rmmod pisces
kill "$holder"
wait "$holder" 2> /dev/null
check 'it goes when nobody has it open' rmmod pisces
check 'and comes again' insmod /modules/pisces.ko
expect 0 ' 0 failed' pisces-test version

section 'an enclave runs when Linux goes down'
expect 0 ' 0 failed' pisces-test leave
finish
