#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# the linux bridge: CPUs, with their interrupts, and memory blocks taken from Linux and given back
# programs: tests/rig/programs/hot-remove
# modules: e1000e
. /lib/rig/lib.sh

section 'CPUs'
ip link set eth0 up
irq=$(sed -n 's/^ *\([0-9]*\):.*eth0.*/\1/p' /proc/interrupts | head -n 1)
check 'the network card has an interrupt' [ -n "$irq" ]
echo 2 > "/proc/irq/$irq/smp_affinity_list"
equal 'it is on CPU 2' 2 "$(cat "/proc/irq/$irq/smp_affinity_list")"
expect 0 '^$' hot-remove cpu take 2
equal 'CPUs that are online' 0-1,3 "$(cat /sys/devices/system/cpu/online)"
equal 'its interrupt is elsewhere' 0-1,3 "$(cat "/proc/irq/$irq/smp_affinity_list")"
expect 0 '^$' hot-remove cpu take 2
expect 0 '^$' hot-remove cpu give 2
expect 0 '^$' hot-remove cpu give 2
equal 'CPUs that are online' 0-3 "$(cat /sys/devices/system/cpu/online)"
expect 1 'CPU 0: Linux cannot do without it' hot-remove cpu take 0
expect 1 'CPU 9: this node has none' hot-remove cpu take 9

section 'memory'
total() { grep MemTotal /proc/meminfo | tr -dc 0-9; }
before=$(total)
expect 1 'memory: Linux can give up [0-9]+ blocks of the 100 wanted' hot-remove memory take 100
equal 'then all is there again' "$before" "$(total)"
taken=$(hot-remove memory take 3)
equal 'three blocks' 3 "$(echo "$taken" | wc -l)"
equal 'of both nodes' '0 1' "$(echo "$taken" | sed 's/.* //' | sort -u | tr '\n' ' ' | sed 's/ $//')"
equal 'Linux has that much less' $((before - 3 * 131072)) "$(total)"
for base in $(echo "$taken" | sed 's/ .*//'); do expect 0 '^$' hot-remove memory give "$base"; done
equal 'and all of it again' "$before" "$(total)"
expect 1 'Linux has none there' hot-remove memory give 12345
finish
