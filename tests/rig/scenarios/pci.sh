#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PCI devices: they change their drivers in Linux; an enclave drives network cards, and a peer pings it through them
# programs: leviathan/leviathan shell/hobbes cokernel/arch/x86_64/cokernel-x86_64 tests/rig/programs/hot-remove
# programs: tests/rig/programs/pisces-test kernel-bridge/host-io/hobbes-proxy leviathan/apps/hobbes-keeper
# modules: e1000e vfio-pci virtio-pci virtio-net kernel-bridge/pisces/module/pisces.ko
# files: tests/rig/files/networked.xml leviathan/fault_point.hpp
# kernel arguments: intremap=off
. /lib/rig/lib.sh

section 'the linux bridge'
expect 0 '^e1000e$' hot-remove pci driver 0000:00:10.0
expect 0 '^e1000e$' hot-remove pci take 0000:00:10.0
expect 0 '^none$' hot-remove pci driver 0000:00:10.0
check 'its interface is gone' [ ! -e /sys/bus/pci/devices/0000:00:10.0/net ]
expect 0 '^$' hot-remove pci give 0000:00:10.0 e1000e
check 'its interface is there again' [ -e /sys/bus/pci/devices/0000:00:10.0/net ]
expect 0 '^$' hot-remove pci bind 0000:00:10.0 vfio-pci
expect 0 '^vfio-pci$' hot-remove pci driver 0000:00:10.0
check 'its group is for user space' sh -c 'ls /dev/vfio/[0-9]*'
expect 0 '^$' hot-remove pci give 0000:00:10.0 e1000e
expect 1 'does not take it' hot-remove pci bind 0000:00:10.0 no-such-driver
expect 0 '^e1000e$' hot-remove pci driver 0000:00:10.0
check 'its interface is there again' [ -e /sys/bus/pci/devices/0000:00:10.0/net ]
expect 1 'there is none' hot-remove pci take 0000:00:1e.0

# The peer is the e1000e, in a network namespace of its own: what it says goes over the wire even if Linux has both ends.
section 'Linux has the cards'
unshare -n sleep 1000 &
peer=$!
eventually sh -c "[ \"\$(readlink /proc/self/ns/net)\" != \"\$(readlink /proc/$peer/ns/net)\" ]"
at_peer() { nsenter -t "$peer" -n "$@"; }
peer_card=$(ls /sys/bus/pci/devices/0000:00:10.0/net)
check 'the peer has its card' ip link set "$peer_card" netns "$peer"
at_peer ip addr add 10.9.0.1/24 dev "$peer_card"
at_peer ip link set "$peer_card" up
eventually sh -c "nsenter -t $peer -n ip link show $peer_card | grep LOWER_UP"

# up CARD ADDRESS: Linux's interface of the card gets the address
up() {
  card=$(ls "/sys/bus/pci/devices/0000:00:$1"/virtio*/net) || return 1
  ip link set "$card" up && ip addr add "$2/32" dev "$card" && ip route replace 10.9.0.1 dev "$card"
}
# pings ADDRESS: the peer gets an answer from it. What it knows of the address is forgotten: cards change hands.
pings() {
  at_peer ip neigh flush dev "$peer_card"
  for try in 1 2 3 4 5; do at_peer ping -c 1 -W 2 "$1" && return 0; done
  return 1
}

check 'Linux has an interface' up 12.0 10.9.0.2
check "it answers" pings 10.9.0.2
check 'Linux has an interface' up 13.0 10.9.0.3
check "it answers" pings 10.9.0.3

. /lib/rig/node.sh
start_leviathan
# Who has a card, by what name, and its driver: "ALLOCATED 0 - virtio-pci"
row() { hobbes list_pci | awk -F '|' -v at="0000:00:$1" '$2 ~ at { gsub(/ +/, " "); print $4 $5 $6 $7 }' | tr -s ' ' | sed 's/^ //; s/ $//'; }
linux_has() {
  equal "Linux has $1" 'ALLOCATED 0 - virtio-pci' "$(row "$1")"
  check "its interface comes up" up "$1" "$2"
  check "$2 answers" pings "$2"
}
enclave_has() {
  equal "the enclave has $1" "ALLOCATED $3 pisces" "$(row "$1")"
  check "Linux has no interface of $1" sh -c "! ls -d /sys/bus/pci/devices/0000:00:$1/virtio*"
  check "the enclave answers for $2" pings "$2"
}
forwarded() { awk '/pisces-pci/ { for (i = 2; i <= 5; ++i) sum += $i } END { print sum + 0 }' /proc/interrupts; }
equal 'Linux has a card' 'ALLOCATED 0 - virtio-pci' "$(row 12.0)"

section 'an enclave has one, with MSI-X'
expect 0 '' hobbes create_enclave /files/networked.xml
expect 0 'Assigned PCI device 0000:00:12.0 to enclave native as nic0' hobbes assign_pci native nic0 00:12.0
expect 0 'nic0: virtio-net, interrupts by MSI-X' hobbes console --dump native
expect 0 'nic0: link up' hobbes console --dump native
enclave_has 12.0 10.9.0.2 '1 nic0'
expect 0 ' 20 packets received' at_peer ping -c 20 -i 0.05 -s 1000 -W 2 10.9.0.2
check 'Linux has no part in its interrupts' sh -c '! grep -q pisces-pci /proc/interrupts'

section 'and another, whose interrupts are forwarded'
expect 0 '' hobbes assign_pci native nic1 00:13.0
expect 0 'nic1: virtio-net, interrupts forwarded by the host' hobbes console --dump native
enclave_has 13.0 10.9.0.3 '1 nic1'
before=$(forwarded)
expect 0 ' 20 packets received' at_peer ping -c 20 -i 0.05 -W 2 10.9.0.3
check 'each was forwarded' [ "$(($(forwarded) - before))" -ge 10 ]
check 'the first one answers still' pings 10.9.0.2

section 'refusals'
expect 1 'an enclave has it' hobbes assign_pci native again 00:12.0
expect 1 'there is one of that name' hobbes assign_pci native nic0 00:11.0
expect 1 'there is none' hobbes assign_pci native nic2 00:1e.0
expect 1 'not an address' hobbes assign_pci native nic2 eth0
expect 1 'has no device' hobbes remove_pci native nic2
expect 1 'has no driver for such a device' hobbes assign_pci native rng 00:11.0
equal 'what it has no driver for is as before' 'ALLOCATED 0 - virtio-pci' "$(row 11.0)"

section 'memory comes and goes meanwhile'
expect 0 '' hobbes assign_memory native 128
expect 0 '' hobbes remove_memory native 128
check 'the cards answer' pings 10.9.0.2

section 'leviathan is killed'
kill_leviathan
check 'the cards do not need it' pings 10.9.0.2
start_leviathan
enclave_has 12.0 10.9.0.2 '1 nic0'
expect 0 'Removed PCI device 0000:00:12.0 from enclave native' hobbes remove_pci native nic0
linux_has 12.0 10.9.0.2
check 'the other one answers still' pings 10.9.0.3
for step in $(grep -oE '"[a-z_]+_device\.[a-z]+"' /files/fault_point.hpp | tr -d '"'); do
  kill_leviathan
  start_leviathan "HOBBES_KILL_AT=$step"
  { hobbes assign_pci native nic0 00:12.0 && hobbes remove_pci native nic0; } > /dev/null 2>&1
  eventually sh -c "! kill -0 $leviathan"
  wait "$leviathan" 2> /dev/null
  start_leviathan
  expect 0 '' hobbes check_db
  equal "$step: Linux has the card" 'ALLOCATED 0 - virtio-pci' "$(row 12.0)"
done
linux_has 12.0 10.9.0.2

section 'the enclave is destroyed, with both'
expect 0 '' hobbes assign_pci native nic0 00:12.0
enclave_has 12.0 10.9.0.2 '1 nic0'
expect 0 '' hobbes destroy_enclave native
linux_has 12.0 10.9.0.2
linux_has 13.0 10.9.0.3

section 'an enclave whose CPUs were stopped'
expect 0 '' hobbes create_enclave /files/networked.xml
expect 0 '' hobbes assign_pci native nic0 00:12.0
enclave_has 12.0 10.9.0.2 '2 nic0'
expect 0 '' pisces-test stop-all
eventually enclave_is native Crashed
expect 1 '' pings 10.9.0.2
expect 0 '' hobbes destroy_enclave native
linux_has 12.0 10.9.0.2

kill "$peer"
stop_node
finish
