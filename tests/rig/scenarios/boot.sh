#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# the machine is what the other scenarios stand on: CPUs, nodes, movable blocks, the reserved page, devices, IOMMU, SVM
# modules: e1000e virtio-pci virtio-rng kvm-amd
. /lib/rig/lib.sh

equal 'CPUs that are online' 0-3 "$(cat /sys/devices/system/cpu/online)"
equal 'nodes' 0-1 "$(cat /sys/devices/system/node/online)"
equal 'CPUs of node 1' 2-3 "$(cat /sys/devices/system/node/node1/cpulist)"
equal 'size of a memory block' 8000000 "$(cat /sys/devices/system/memory/block_size_bytes)"

section 'memory'
for node in 0 1; do
  movable=0
  for block in /sys/devices/system/node/node$node/memory[0-9]*; do
    if [ "$(cat "$block/valid_zones")" = Movable ]; then movable=$((movable + 1)); fi
  done
  check "node $node has movable blocks: $movable" [ "$movable" -ge 2 ]
done
expect 0 '00010000-0001ffff : Reserved' cat /proc/iomem

section 'devices'
check 'the e1000e has its driver' [ -e /sys/bus/pci/drivers/e1000e/0000:00:10.0 ]
check 'the virtio device has its driver' [ -e /sys/bus/pci/drivers/virtio-pci/0000:00:11.0 ]
check 'devices are in IOMMU groups' [ -e /sys/bus/pci/devices/0000:00:10.0/iommu_group ]

section 'virtualisation'
check 'kvm runs on the emulated SVM' [ -c /dev/kvm ]
expect 0 '^flags.* svm .* npt ' cat /proc/cpuinfo
finish
