#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# XASM: versions stay as they were while their producer goes on, on every side.
source "$(dirname "$0")/lib.sh"

start_node
create a 1 160
create b 1 64
readonly programs=$build/tests/scenarios/programs

# on SIDE ARGUMENTS...: runs the program of that side; SIDE is linux or an enclave
cat > "$work/on" << ON
#!/bin/bash
side=\$1
shift
if [ "\$side" = linux ]; then exec $programs/xasm "\$@"; else exec hobbes launch_app "\$side" -- $programs/xasm-lwk "\$@"; fi
ON
chmod +x "$work/on"
readonly on=$work/on

for producer in linux a; do
  for bytes in 65536 9437184; do
    consumers=()
    for consumer in linux b; do
      "$on" "$consumer" consume versions "$bytes" > "$work/consumed-$consumer" 2>&1 &
      consumers+=($!)
    done
    expect_output produced "$on" "$producer" produce versions "$bytes" 12
    wait "${consumers[@]}"
    for consumer in linux b; do expect_output 'consumed some' cat "$work/consumed-$consumer"; done
    eventually bash -c '[ "$(hobbes list_segments --json | grep -c segid)" = 0 ]'
    expect 0 '' hobbes check_db
  done
done
finish
