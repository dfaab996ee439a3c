#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# what holds for every bridge holds for the pisces bridge
# programs: kernel-bridge/bridge_contract_test cokernel/arch/x86_64/cokernel-x86_64
# modules: kernel-bridge/pisces/module/pisces.ko
. /lib/rig/lib.sh

check 'the driver loads' insmod /modules/pisces.ko
memory=$(grep MemTotal /proc/meminfo)
export HOBBES_TEST_BRIDGE=pisces
checks=$((checks + 1))
bridge_contract_test --durations yes || fail 'the contract is broken'
equal 'all CPUs are back' 0-3 "$(cat /sys/devices/system/cpu/online)"
equal 'all memory is back' "$memory" "$(grep MemTotal /proc/meminfo)"
check 'nothing is left in the driver' rmmod pisces
finish
