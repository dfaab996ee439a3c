#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# launch_app master --hpmmap: programs of Linux, static and dynamic, whose memory is reserved large pages: nothing of it faults
# while they work, all is as on plain Linux, and the blocks are the pool's again afterwards.
source "$(dirname "$0")/lib.sh"

readonly programs=$build/tests/scenarios/programs
node_memory=512M start_node
readonly all=$(free_blocks)

readonly reserved=(hobbes launch_app master --hpmmap)
# same COMMAND...: the program prints and returns the same with and without a reservation
same() {
  local plain got plain_status got_status
  checks=$((checks + 1))
  plain=$(timeout 60 "$@" 2>&1 < /dev/null)
  plain_status=$?
  got=$(timeout 60 "${reserved[@]}" -- "$@" 2>&1 < /dev/null)
  got_status=$?
  [[ $plain_status -eq $got_status && $plain == "$got" ]] ||
    fail "$*: '$got' ($got_status) with --hpmmap, '$plain' ($plain_status) without"
}
all_free() { [[ $(free_blocks) -eq $all ]]; }

for program in hpmmap hpmmap-dynamic; do
  checks=$((checks + 1))
  [[ $("$programs/$program" faults) == "faults "[1-9]* ]] || fail "$program counts no faults where there must be some"
  expect_output 'faults 0' "${reserved[@]}" --heap_size 96 -- "$programs/$program" faults
  expect_output 'all right' "${reserved[@]}" -- "$programs/$program" checks
  # More than is reserved: a sentence, and Linux's memory.
  expect 0 'MiB reserved .* comes from Linux' "${reserved[@]}" --heap_size 32 -- "$programs/$program" more 64
  expect 0 '^more$' "${reserved[@]}" --heap_size 32 -- "$programs/$program" more 64
done
eventually all_free

# What Linux's own programs do is the same.
readonly text=$work/text
seq 20000 > "$text"
same /usr/bin/sort -rn "$text"
same /bin/sh -c 'echo a | cat; (exit 3); echo $?; exit 4'
same /usr/bin/perl -e 'print length(q(x) x 5000000)'
same "$busybox" sha256sum "$text"
same /usr/bin/python3 -c 'import subprocess; print(subprocess.check_output(["echo", "sub"]))'
for program in threads processes signals futexes clones sockets events shared-files; do
  same "$programs/conformance-$program"
done

# How it ends, signals, ranks.
expect 3 '' "${reserved[@]}" -- "$busybox" sh -c 'exit 3'
expect 139 '' "${reserved[@]}" -- "$busybox" sh -c 'kill -SEGV $$'
expect 0 '' hobbes launch_app -d --name sleeper master --hpmmap -- "$busybox" sleep 100
eventually app_state sleeper Running
checks=$((checks + 1))
((all - $(free_blocks) == 256 / 32)) || fail "256 MiB are not reserved while it runs: $(hobbes list_memory)"
expect 1 '0 MiB of its memory can be removed' hobbes remove_memory master 32
expect 0 '' hobbes kill_app -s TERM sleeper
expect 143 '' hobbes wait_app sleeper
eventually all_free
expect 0 'rank 1 of 2' hobbes launch_app master --hpmmap --oversubscribe -np 2 --heap_size 64 -- "$busybox" sh -c 'echo "rank $PMI_RANK of $PMI_SIZE"'

# Wrong uses.
create k 1 96
expect 1 "launch_app: --hpmmap is for 'master': in an enclave" hobbes launch_app k --hpmmap -- "$busybox" true
expect 1 'hpmmap: 100000 MiB for each of 1 rank: .*free' "${reserved[@]}" --heap_size 100000 -- "$busybox" true
expect 1 "'/no/such': No such file" "${reserved[@]}" -- /no/such
expect 1 'Permission denied' "${reserved[@]}" -- "$work/text"
expect 1 'takes sizes' hobbes launch_app master --heap_size 32 -- "$busybox" true
finish
