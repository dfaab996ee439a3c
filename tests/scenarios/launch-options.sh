#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What launch_app's options about memory and CPUs grant, and what they refuse.
source "$(dirname "$0")/lib.sh"

readonly sizes=$build/tests/scenarios/programs/sizes
readonly workers=$build/tests/scenarios/programs/workers
start_node
create k 1 160

# Heap and stack.
expect_output 'heap 16 stack 8' hobbes launch_app k -- "$sizes"
expect_output 'heap 32 stack 2' hobbes launch_app k --heap_size 32 --stack_size 2 -- "$sizes"
expect_output 'heap 32 stack 4' hobbes launch_app k --heap_size 32 --stack_size 4 --use-large-pages -- "$sizes"
expect 1 'heap does not fit' hobbes launch_app k --heap_size 1G -- "$sizes"
expect 1 'stack does not fit' hobbes launch_app k --stack_size 1G -- "$sizes"
expect 1 'stack size' hobbes launch_app k --stack_size 32K -- "$sizes"
expect 1 'stack size' hobbes launch_app k --stack_size 100G -- "$sizes"

# The same by a descriptor.
cat > "$work/app.xml" << XML
<app path="$sizes"><heap_size>24M</heap_size><stack_size>6M</stack_size><use_large_pages/></app>
XML
expect_output 'heap 24 stack 6' hobbes launch_app k -f "$work/app.xml"
echo "<app path=\"$sizes\"><use_smartmap/></app>" > "$work/smartmap.xml"
expect 0 'heap 16 stack 8' hobbes launch_app k -f "$work/smartmap.xml"

# Nothing of what was refused is left.
expect_output 'heap 96 stack 8' hobbes launch_app k --heap_size 96 -- "$sizes"

# CPUs.
expect_output 'fine' hobbes launch_app k --cpulist 0 -- "$busybox" echo fine
expect 1 'CPU list' hobbes launch_app k --cpulist 0,7 -- "$busybox" true
expect 1 'CPU list' hobbes launch_app k --cpulist 300 -- "$busybox" true
expect 1 'not one of Linux' hobbes launch_app master --cpulist 500 -- "$busybox" true

# The Linux side has its own limits.
for option in '--heap_size 32' '--stack_size 2' --use-large-pages --use-smartmap; do
  # shellcheck disable=SC2086  # an option and its value
  expect 1 'for enclaves' hobbes launch_app master $option -- "$busybox" true
done

# Memory for large pages is mapped by them where the blocks are made of them.
held=
for ((tries = 0; tries < 100; tries++)); do  # what they are made of is found out in the background
  held=$(hobbes list_memory | grep 'ALLOCATED')
  grep -q 'being prepared' <<< "$held" || break
  sleep 0.1
done
if [[ -n $held ]] && ! grep -qv '2 MiB pages' <<< "$held"; then
  expect 0 '' hobbes launch_app -d --name large k --use-large-pages -- "$workers" 32
  mapped_by_large_pages() {
    local init pid
    for init in $(pgrep -P "$leviathan_pid"); do
      for pid in $(pgrep -P "$init"); do
        awk '/^[0-9a-f]+-[0-9a-f]+ / { user = $1 < "7b" } user && /^ShmemPmdMapped:/ { sum += $2 } END { exit sum < 32768 }' \
          "/proc/$pid/smaps" && return 0
      done
    done
    return 1
  }
  eventually mapped_by_large_pages
  expect 0 '' hobbes kill_app -s TERM large
  expect 0 '' hobbes wait_app large
fi
finish
