#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# the linux bridge: PCI devices change their drivers and come back
# programs: tests/rig/programs/hot-remove
# modules: e1000e vfio-pci
. /lib/rig/lib.sh

expect 0 '^e1000e$' hot-remove pci driver 0000:00:10.0
expect 0 '^e1000e$' hot-remove pci take 0000:00:10.0
expect 0 '^none$' hot-remove pci driver 0000:00:10.0
check 'its interface is gone' [ ! -e /sys/class/net/eth0 ]
expect 0 '^$' hot-remove pci give 0000:00:10.0 e1000e
check 'its interface is there again' [ -e /sys/class/net/eth0 ]
expect 0 '^$' hot-remove pci bind 0000:00:10.0 vfio-pci
expect 0 '^vfio-pci$' hot-remove pci driver 0000:00:10.0
check 'its group is for user space' sh -c 'ls /dev/vfio/[0-9]*'
expect 0 '^$' hot-remove pci give 0000:00:10.0 e1000e
expect 1 'does not take it' hot-remove pci bind 0000:00:10.0 no-such-driver
expect 0 '^e1000e$' hot-remove pci driver 0000:00:10.0
check 'its interface is there again' [ -e /sys/class/net/eth0 ]
expect 1 'there is none' hot-remove pci take 0000:00:1e.0
finish
