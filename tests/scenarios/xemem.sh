#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# XEMEM: processes of Linux and of enclaves share memory with each other.
source "$(dirname "$0")/lib.sh"

start_node
create a 1 64
create b 1 64
readonly programs=$build/tests/scenarios/programs

# on SIDE ARGUMENTS...: runs the program of that side; SIDE is linux or an enclave
cat > "$work/on" << ON
#!/bin/bash
side=\$1
shift
if [ "\$side" = linux ]; then exec $programs/xemem "\$@"; else exec hobbes launch_app \${APP:+--name \$APP} "\$side" -- $programs/xemem-lwk "\$@"; fi
ON
chmod +x "$work/on"
readonly on=$work/on

# all_gone: nothing is shared any more
all_gone() {
  eventually bash -c '[ "$(hobbes list_segments --json | grep -c segid)" = 0 ]'
  expect 0 '' hobbes check_db
}

for side in linux a; do
  expect_output 'all of it' "$on" "$side" self
  all_gone
done
expect_output 'nothing was lost' "$programs/xemem-scribble"
all_gone

# Every side with every side: the pattern gets across, the mark comes back, the signal arrives.
for exporter in linux a; do
  for attacher in linux a b; do
    for bytes in 4096 8388608; do
      "$on" "$exporter" export "from-$exporter" "$bytes" > "$work/exported" &
      exporter_pid=$!
      expect_output attached "$on" "$attacher" attach "from-$exporter" "$bytes"
      wait "$exporter_pid" || fail "$exporter to $attacher: $(cat "$work/exported")"
      expect_output marked cat "$work/exported"
    done
  done
done
all_gone

# The exporter's end: who has it attached keeps it, nobody gets it any more, and then all of it is gone.
for exporter in linux a; do
  APP=holder "$on" "$exporter" hold "held-by-$exporter" 4194304 > "$work/holds" &
  holder_pid=$!
  keepers=()
  for attacher in linux b; do
    "$on" "$attacher" keep "held-by-$exporter" 4194304 4 > "$work/kept-$attacher" &
    keepers+=($!)
  done
  for attacher in linux b; do eventually grep keeps "$work/kept-$attacher"; done
  expect 0 "held-by-$exporter .* 4194304 .* 2 " hobbes list_segments
  if [ "$exporter" = linux ]; then kill -KILL "$holder_pid"; else expect 0 '' hobbes kill_app -s KILL holder; fi
  wait "$holder_pid"
  eventually bash -c 'hobbes list_segments | grep removed'
  expect 0 '' hobbes check_db
  # Whoever uses the memory that the exporter had gets none of those pages.
  [ "$exporter" = a ] && expect_output 'all of it' "$on" a self
  for attacher in linux b; do eventually grep kept "$work/kept-$attacher"; done
  wait "${keepers[@]}"
  for attacher in linux b; do expect_output $'keeps\nkept' cat "$work/kept-$attacher"; done
  all_gone
done

# A whole enclave goes, and comes again, while Linux keeps some of its memory.
"$on" a hold from-destroyed 4194304 > "$work/holds" &
holder_pid=$!
"$on" linux keep from-destroyed 4194304 6 > "$work/kept" &
keeper_pid=$!
eventually grep keeps "$work/kept"
expect 0 '' hobbes destroy_enclave a
create a 1 64
expect_output 'all of it' "$on" a self
wait "$keeper_pid"
expect_output $'keeps\nkept' cat "$work/kept"
wait "$holder_pid"
all_gone
finish
