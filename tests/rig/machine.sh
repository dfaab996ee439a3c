# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The machine: what `run` needs of this one, and the arguments that describe the emulated one to QEMU.

# 3 GiB. A q35 machine has 2 GiB of them below 4 GiB, and Linux makes memory movable only in its highest zone, so node 0
# has to reach beyond 4 GiB as well.
readonly rig_cpus=4 rig_memory=3072 rig_node_memory=(2304 768)
# Without "rep stosb is fast": Linux would believe it, and software emulation stores byte by byte.
readonly rig_cpu=max,+svm,+npt,-erms,-fsrm
# What Linux boots with. As much memory as possible is movable: 256 MiB of node 0, 640 MiB of node 1, blocks that can be
# taken from it. The trampoline page of pisces.ko lies in the 64 KiB that Linux is told to leave alone. Linux must not
# judge timers at boot: on a machine that others use, the emulated ones are late.
readonly rig_kernel_args='console=ttyS0 panic=-1 oops=panic nokaslr no_timer_check intel_iommu=on
  movablecore=2816M memmap=64K$0x10000'

# As hardware is: without virtio's older interface, and its DMA through the IOMMU.
readonly rig_nic=virtio-net-pci,disable-legacy=on,iommu_platform=on

# The version of Debian's kernel that the rig boots: HOBBES_RIG_KERNEL, or the newest that is here with its modules.
rig_kernel() {
  if [[ -n ${HOBBES_RIG_KERNEL:-} ]]; then
    echo "$HOBBES_RIG_KERNEL"
    return
  fi
  local image version
  for image in $(printf '%s\n' /boot/vmlinuz-* | sort -rV); do
    version=${image#/boot/vmlinuz-}
    [[ -r $image && -d /lib/modules/$version/kernel ]] && { echo "$version"; return; }
  done
}

# Why the rig cannot run here; nothing when it can.
rig_missing() {
  command -v qemu-system-x86_64 > /dev/null ||
    { echo 'there is no qemu-system-x86_64 (package qemu-system-x86)'; return; }
  [[ -x /bin/busybox ]] || { echo 'there is no /bin/busybox (package busybox-static)'; return; }
  command -v cpio > /dev/null || { echo 'there is no cpio (package cpio)'; return; }
  [[ -n $(rig_kernel) ]] || { echo 'there is no kernel in /boot with its modules (package linux-image-amd64)'; return; }
}

# rig_qemu KERNEL INITRAMFS MESSAGES_FILE KERNEL_ARGUMENTS: becomes QEMU. The scenario's output is standard output.
rig_qemu() {
  local image=$1 archive=$2 messages=$3 more_kernel_args=$4 nodes=${#rig_node_memory[@]} node first args=()
  for ((node = 0; node < nodes; node++)); do
    first=$((node * rig_cpus / nodes))
    args+=(-object "memory-backend-ram,id=memory$node,size=${rig_node_memory[node]}M"
      -numa "node,nodeid=$node,memdev=memory$node,cpus=$first-$((first + rig_cpus / nodes - 1))")
  done
  exec qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
    -machine q35 -accel tcg,thread=multi -cpu "$rig_cpu" -smp "$rig_cpus,sockets=$nodes" -m "${rig_memory}M" \
    "${args[@]}" \
    -device intel-iommu \
    -netdev user,id=network,restrict=on -netdev hubport,id=uplink,hubid=0,netdev=network \
    -netdev hubport,id=port0,hubid=0 -device e1000e,netdev=port0,addr=0x10 \
    -netdev hubport,id=port1,hubid=0 -device "$rig_nic,netdev=port1,addr=0x12" \
    -netdev hubport,id=port2,hubid=0 -device "$rig_nic,netdev=port2,addr=0x13,vectors=0" \
    -device virtio-rng-pci,addr=0x11,disable-legacy=on \
    -chardev "file,id=kernel,path=$messages" -serial chardev:kernel \
    -chardev stdio,id=scenario,signal=off -serial chardev:scenario \
    -kernel "$image" -initrd "$archive" -append "${rig_kernel_args//$'\n'/} $more_kernel_args" < /dev/null
}
