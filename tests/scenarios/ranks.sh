#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Applications of several ranks: numbers, CPUs, output, ends and signals, in an enclave and on the Linux side.
source "$(dirname "$0")/lib.sh"

[[ $(nproc) -ge 2 ]] || skip 'ranks share CPUs out only where there are two'
start_node
create k 2 160

# ranks ENCLAVE COUNT SCRIPT [more options]: what the ranks print, sorted
ranks=$work/ranks
cat > "$ranks" << SH
#!/bin/sh
enclave=\$1 count=\$2 script=\$3
shift 3
hobbes launch_app "\$enclave" --oversubscribe -np "\$count" "\$@" -- $busybox sh -c "\$script" | sort
SH
chmod +x "$ranks"
cpus_of_rank='echo $PMI_RANK $(taskset -cp $$ | sed "s/.*: //")'
lines='i=0; while [ $i -lt 1000 ]; do echo rank $PMI_RANK line $i; i=$((i+1)); done'

# Whether the newest detached application's three ranks have said so.
all_spin() {
  local log
  log=$(ls -t "$HOBBES_RUN_DIR"/apps/*.log | head -n 1)
  [[ $(grep -c spinning "$log") -eq 3 ]]
}

for where in k master; do
  expect_output $'0 of 5\n1 of 5\n2 of 5\n3 of 5\n4 of 5' "$ranks" "$where" 5 'echo $PMI_RANK of $PMI_SIZE'
  # A rank of its own launcher's is not passed on; a single one stays what another launcher made of it.
  expect_output $'0 of 2\n1 of 2' env PMI_RANK=7 PMI_SIZE=9 "$ranks" "$where" 2 'echo $PMI_RANK of $PMI_SIZE'
  expect_output '7 of 9' env PMI_RANK=7 PMI_SIZE=9 hobbes launch_app "$where" -- \
    "$busybox" sh -c 'echo $PMI_RANK of $PMI_SIZE'

  # Some end long before others have begun to work; the job ends with the last of them.
  expect_output $'rank 0\nrank 1\nrank 2' "$ranks" "$where" 3 \
    '[ $PMI_RANK = 0 ] || sleep 0.$PMI_RANK; echo rank $PMI_RANK'
  for round in 1 2 3 4 5; do
    expect 0 '' hobbes launch_app "$where" --oversubscribe -np 4 -- "$busybox" true
  done

  # Its status is the one that failed first.
  expect 0 '' hobbes launch_app "$where" --oversubscribe -np 3 -- "$busybox" sh -c 'exit 0'
  expect 3 '' hobbes launch_app "$where" --oversubscribe -np 3 -- "$busybox" sh -c \
    'case $PMI_RANK in 0) exit 0 ;; 1) exit 3 ;; 2) sleep 1; exit 4 ;; esac'
  expect 139 '' hobbes launch_app "$where" --oversubscribe -np 3 -- "$busybox" sh -c \
    'case $PMI_RANK in 0) exit 0 ;; 1) kill -SEGV $$ ;; 2) sleep 1; exit 4 ;; esac'

  # All they say arrives, line by line.
  expect_output "$(for PMI_RANK in 0 1 2 3; do eval "$lines"; done | sort)" "$ranks" "$where" 4 "$lines"

  # A signal reaches them all.
  expect 0 '' hobbes launch_app -d --name "many-$where" "$where" --oversubscribe -np 3 "$build/examples/spin"
  eventually all_spin
  expect 0 '' hobbes kill_app -s TERM "many-$where"  # each ends politely
  expect 0 '' hobbes wait_app "many-$where"
  expect 0 '' hobbes launch_app -d --name "lost-$where" "$where" --oversubscribe -np 3 "$build/examples/spin"
  expect 0 '' hobbes kill_app -s KILL "lost-$where"
  expect 137 '' hobbes wait_app "lost-$where"

  # What the last rank leaves behind ends with it.
  expect 0 '' timeout 20 hobbes launch_app "$where" --oversubscribe -np 2 -- "$busybox" sh -c 'sleep 1000 & exit 0'

  expect 1 'No such file' hobbes launch_app "$where" --oversubscribe -np 3 -- /no/such/program
  expect 2 '' hobbes launch_app "$where" -np 0 -- "$busybox" true
done

# Where there are enough CPUs each rank has its own, else all have all.
expect_output $'0 0\n1 1' "$ranks" k 2 "$cpus_of_rank"
expect_output $'0 0-1\n1 0-1\n2 0-1' "$ranks" k 3 "$cpus_of_rank"
expect_output $'0 1\n1 1' "$ranks" k 2 "$cpus_of_rank" --cpulist 1
expect 1 'CPU list' hobbes launch_app k --cpulist 4 -- "$busybox" true

# One that does not fit keeps all from starting.
expect 1 'memory' hobbes launch_app k --oversubscribe -np 3 --stack_size 1G -- "$busybox" echo started
expect 1 'memory' hobbes launch_app k --oversubscribe -np 3 --stack_size 64M -- "$busybox" echo started
expect_output '' bash -c "hobbes launch_app k --oversubscribe -np 3 --stack_size 64M -- $busybox echo started 2> /dev/null || true"
expect_output 'fine' hobbes launch_app k -- "$busybox" echo fine
finish
