#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# leviathan, hobbes and the co-kernel on CPUs and memory of its own: made, used, grown, shrunk, adopted, destroyed
# programs: leviathan/leviathan shell/hobbes cokernel/arch/x86_64/cokernel-x86_64
# programs: kernel-bridge/host-io/hobbes-proxy leviathan/apps/hobbes-keeper
# modules: kernel-bridge/pisces/module/pisces.ko
# files: tests/rig/files/native.xml
. /lib/rig/lib.sh
. /lib/rig/node.sh

section 'the node'
start_leviathan
equal 'three blocks are not Linux'\''s' $((memory_before - 3 * 131072)) "$(total_memory)"
equal 'all CPUs still are' 0-3 "$(online_cpus)"

section 'an enclave'
expect 0 'Created enclave native' hobbes create_enclave /files/native.xml
expect 0 'native .*PISCES_ENCLAVE .*Running .*pisces' hobbes list_enclaves
expect 0 '' hobbes ping_enclave native
equal 'its CPU is gone from Linux' 0,2-3 "$(online_cpus)"
expect 0 '^\| 1 +\| 1 +\| ALLOCATED \| 0 +\| 1 ' hobbes list_cpus

section 'programs in it'
expect 0 '^hello from native$' hobbes launch_app native /bin/busybox echo hello from native
expect 3 '' hobbes launch_app native /bin/busybox sh -c 'exit 3'
expect 0 '^10000$' hobbes launch_app native /bin/busybox sh -c 'seq 1 10000 | tail -n 1'
expect 0 '^file of Linux$' sh -c 'echo file of Linux > /tmp/file; hobbes launch_app native /bin/busybox cat /tmp/file'
expect 0 '^typed$' sh -c 'echo typed | hobbes launch_app native /bin/busybox cat'

section 'it grows and shrinks'
expect 0 '' hobbes assign_memory native 128
expect 0 '' hobbes assign_cpus native 1
equal 'another CPU is gone' 0,3 "$(online_cpus)"
expect 0 '^two$' hobbes launch_app native /bin/busybox echo two
expect 0 '' hobbes remove_cpus native 1
expect 0 '' hobbes remove_memory native 128
equal 'the CPU is back' 0,2-3 "$(online_cpus)"
expect 0 '' hobbes ping_enclave native

section 'leviathan is killed'
expect 0 '' hobbes launch_app -d --name sleeper native /bin/busybox sleep 1000
kill_leviathan
start_leviathan
check 'the enclave is adopted' enclave_is native Running
expect 0 'sleeper .*Running' hobbes list_apps
expect 0 '^adopted$' hobbes launch_app native /bin/busybox echo adopted
expect 0 '' hobbes kill_app -s KILL sleeper

section 'another leviathan, with more memory, and with less'
kill_leviathan
node_memory=512M
start_leviathan
equal 'four blocks are not Linux'\''s' $((memory_before - 4 * 131072)) "$(total_memory)"
expect 0 '' hobbes assign_memory native 256
expect 0 '' hobbes remove_memory native 256
kill_leviathan
node_memory=256M
start_leviathan
equal 'two blocks are not Linux'\''s' $((memory_before - 2 * 131072)) "$(total_memory)"
expect 0 '' hobbes ping_enclave native
expect 0 '' hobbes check_db

section 'the end'
expect 0 '' hobbes destroy_enclave native
stop_node
finish
