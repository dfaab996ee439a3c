#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# CPUs and memory come and go while an enclave runs, and all of it comes back.
source "$(dirname "$0")/lib.sh"

start_node
blocks=$(free_blocks)
cpus=$(free_cpus)
create k 1 96
[[ $(free_blocks) -eq $((blocks - 3)) ]] || fail "3 blocks should be gone, $(free_blocks) of $blocks are free"
[[ $(free_cpus) -eq $((cpus - 1)) ]] || fail "one CPU should be gone"

before=$(hobbes launch_app k -- "$busybox" grep MemTotal /proc/meminfo | tr -dc 0-9)
expect 0 '' hobbes assign_memory k 64
after=$(hobbes launch_app k -- "$busybox" grep MemTotal /proc/meminfo | tr -dc 0-9)
((after > before + 60000)) || fail "the enclave has $after kB after 64 MiB were added to $before kB"
expect 0 '' hobbes assign_memory -c k 64
expect 0 '' hobbes remove_memory k 64
expect 0 '' hobbes assign_cpus k 1
expect_output 2 hobbes launch_app k -- "$busybox" nproc
expect 0 '' hobbes remove_cpus k 1
expect_output 1 hobbes launch_app k -- "$busybox" nproc
expect 1 'stays' hobbes remove_cpus k 1

# A rounded size says so; what is not there is refused and changes nothing.
expect 0 '[Rr]ound' hobbes assign_memory k 1
now=$(free_blocks)
expect 1 'free' hobbes assign_memory k 100000
expect 1 'free' hobbes assign_cpus k 1000
[[ $(free_blocks) -eq $now ]] || fail 'a refused request changed the free memory'
expect 2 '' hobbes assign_memory k lots
expect 2 '' hobbes assign_memory k -5

expect 0 '' hobbes ping_enclave -c 10 -s 1000 k
expect 0 'Command' hobbes dump_cmd_queue k
expect 0 '' hobbes destroy_enclave k
[[ $(free_blocks) -eq $blocks && $(free_cpus) -eq $cpus ]] || fail 'something did not come back'

# Many enclaves at once, and again.
for round in 1 2; do
  for name in a b c; do create "$name" 1 64; done
  for name in a b c; do expect_output "$name" hobbes launch_app "$name" -- "$busybox" echo "$name"; done
  for name in a b c; do expect 0 '' hobbes destroy_enclave "$name"; done
done
[[ $(free_blocks) -eq $blocks && $(free_cpus) -eq $cpus ]] || fail 'something did not come back after many enclaves'
finish
