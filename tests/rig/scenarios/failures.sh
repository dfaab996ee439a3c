#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# what goes wrong with native enclaves: bad images, stopped CPUs, dead proxies, a leviathan killed at every step
# programs: leviathan/leviathan shell/hobbes cokernel/arch/x86_64/cokernel-x86_64 tests/rig/programs/pisces-test
# programs: kernel-bridge/host-io/hobbes-proxy leviathan/apps/hobbes-keeper
# modules: kernel-bridge/pisces/module/pisces.ko
# files: tests/rig/files/native.xml leviathan/fault_point.hpp
. /lib/rig/lib.sh
. /lib/rig/node.sh

free_blocks() { hobbes list_memory | grep -c '| *FREE '; }
free_cpus() { hobbes list_cpus | grep -c '| *FREE '; }

# nothing_taken WHAT: the node is as it was before an enclave was asked for
nothing_taken() {
  equal "$1: CPUs" 0-3 "$(online_cpus)"
  equal "$1: free blocks" 3 "$(free_blocks)"
  equal "$1: free CPUs" 3 "$(free_cpus)"
}

start_leviathan

section 'an enclave that cannot be'
sed 's,name="native",name="bad" kernel="/bin/busybox",' /files/native.xml > /tmp/bad.xml
expect 1 '/bin/busybox: ' hobbes create_enclave /tmp/bad.xml
nothing_taken 'no kernel'
sed 's,size="128",size="4096",' /files/native.xml > /tmp/large.xml
expect 1 '' hobbes create_enclave /tmp/large.xml
nothing_taken 'too large'
echo 0 > /sys/devices/system/cpu/cpu1/online
expect 1 'CPU 1: it is offline' hobbes create_enclave /files/native.xml
echo 1 > /sys/devices/system/cpu/cpu1/online
nothing_taken 'an offline CPU'

section 'Linux and the driver meanwhile'
expect 0 '' hobbes create_enclave /files/native.xml
expect 1 '' rmmod pisces
expect 1 'resource busy' sh -c 'echo 1 > /sys/devices/system/cpu/cpu1/online'
expect 0 '' hobbes ping_enclave native

section 'a proxy dies'
expect 0 '' hobbes launch_app -d --name reader native /bin/busybox cat /dev/zero
hobbes launch_app native /bin/busybox sh -c 'read line; echo "read: $?"' < /dev/zero > /tmp/read 2>&1 &
sleep 1
killall -KILL hobbes-proxy
wait $!
expect 0 '' hobbes ping_enclave native
expect 0 '^alive$' hobbes launch_app native /bin/busybox echo alive

section 'its CPUs are stopped'
expect 0 '' pisces-test stop-all
eventually enclave_is native Crashed
expect 0 'its CPUs were stopped' hobbes list_enclaves
expect 0 '' hobbes destroy_enclave native
nothing_taken 'after a crash'

section 'it hangs'
expect 0 '' hobbes create_enclave /files/native.xml
expect 0 '' pisces-test hang-all
eventually sh -c "hobbes list_enclaves | grep 'does not answer'"
expect 1 '' hobbes ping_enclave native
expect 0 '' hobbes destroy_enclave native
nothing_taken 'after it hung'

section 'a CPU that ignores INIT'
deaf=/sys/module/pisces/parameters/deaf_apic_id
expect 0 '' hobbes create_enclave /files/native.xml
echo 1 > "$deaf"
expect 1 'stop an enclave|destroy an enclave' hobbes destroy_enclave native
equal 'the enclave keeps its CPU' 0,2-3 "$(online_cpus)"
equal 'and its block' 2 "$(free_blocks)"
expect 1 'resource busy' sh -c 'echo 1 > /sys/devices/system/cpu/cpu1/online'
expect 1 '' rmmod pisces
expect 0 '' hobbes check_db
kill_leviathan
echo -1 > "$deaf"
start_leviathan
nothing_taken 'the next leviathan has finished it'
echo 1 > "$deaf"
expect 1 'did not start' hobbes create_enclave /files/native.xml
equal 'a CPU that did not come may be wild' 0,2-3 "$(online_cpus)"
expect 0 '' hobbes check_db
kill_leviathan
echo -1 > "$deaf"
start_leviathan
nothing_taken 'the next leviathan has undone it'

section 'leviathan is killed at every step'
expect 0 '' hobbes create_enclave /files/native.xml
sed 's,name="native",name="new",' /files/native.xml > /tmp/new.xml
for step in $(grep -oE '"[a-z_]+\.[a-z]+"' /files/fault_point.hpp | tr -d '"'); do
  case $step in launch* | *device*) continue ;; esac
  kill_leviathan
  start_leviathan "HOBBES_KILL_AT=$step"
  case $step in
    create*) hobbes create_enclave /tmp/new.xml ;;
    destroy*) hobbes create_enclave /tmp/new.xml; hobbes destroy_enclave new ;;
    *memory*) hobbes assign_memory native 128; hobbes remove_memory native 128 ;;
    *cpu*) hobbes assign_cpus native 1; hobbes remove_cpus native 1 ;;
  esac > /dev/null 2>&1
  eventually sh -c "! kill -0 $leviathan"
  wait "$leviathan" 2> /dev/null
  start_leviathan
  expect 0 '' hobbes check_db
  check "$step: the enclave lives" enclave_is native Running
  if hobbes list_enclaves | grep -q '| new '; then expect 0 '' hobbes destroy_enclave new; fi
  while [ "$(free_blocks)" -lt 2 ]; do hobbes remove_memory native 128 > /dev/null 2>&1 || break; done
  while [ "$(free_cpus)" -lt 2 ]; do hobbes remove_cpus native 1 > /dev/null 2>&1 || break; done
  equal "$step: free blocks" 2 "$(free_blocks)"
  equal "$step: free CPUs" 2 "$(free_cpus)"
  equal "$step: CPUs of Linux" 0,2-3 "$(online_cpus)"
done
expect 0 '' hobbes ping_enclave native
expect 0 '' hobbes destroy_enclave native
nothing_taken 'in the end'
stop_node
finish
