#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MPI programs: Debian's MPICH, unmodified, finds its ranks over PMI; on the Linux side
# and in an enclave, over the memory they share.
source "$(dirname "$0")/lib.sh"

[[ $(nproc) -ge 2 ]] || skip 'two ranks need two CPUs'
start_node
create k 2 288
readonly pmi=$build/tests/scenarios/programs/pmi

for where in k master; do
  # PMI's own words, without MPICH.
  expect 0 '' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" exchange
  expect 0 '' hobbes launch_app "$where" --oversubscribe -np 7 -- "$pmi" exchange
  expect 0 '' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" refusals
  expect 0 '' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" silent

  expect_output '2 ranks, 2 here' hobbes launch_app "$where" --oversubscribe -np 2 -- "$build/tests/scenarios/programs/pmi-api"
  expect_output '1 ranks, 1 here' hobbes launch_app "$where" -- "$build/tests/scenarios/programs/pmi-api"

  # A job that cannot go on ends, and says why.
  expect 5 'rank 1 ended without taking leave' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" leaves 5
  expect 3 'rank 1 aborted the job with code 3' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" aborts 3
  expect 137 'rank 1 has ended, and others wait for it at a barrier' hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" absent
  expect 139 'rank 1 was ended by signal 11 \(Segmentation fault\), and its job with it' \
    hobbes launch_app "$where" --oversubscribe -np 2 -- "$pmi" crashes
done

# More ranks than a proxy has slots, and than CPUs: only if somebody says so.
expect 0 '' hobbes launch_app k --oversubscribe --stack_size 1 -np 40 -- "$pmi" exchange
expect 0 '' hobbes launch_app master --oversubscribe -np 40 -- "$pmi" exchange
expect 1 "3 ranks are more than the 2 CPUs of 'k' they may run on" hobbes launch_app k -np 3 -- "$pmi" silent
expect 1 "2 ranks are more than the 1 CPU of 'k' they may run on" hobbes launch_app k --cpulist 1 -np 2 -- "$pmi" silent

# Values and barrier are the job's, and go with it.
expect 0 '' hobbes launch_app -d --name lasting k -np 2 -- "$pmi" lasts
eventually grep -q 'lasts' "$HOBBES_RUN_DIR"/apps/*.log
expect 0 '' hobbes check_db

# A leviathan may go and another come while ranks meet.
kill -KILL "$leviathan_pid"
wait "$leviathan_pid" 2> /dev/null
start_node
expect 0 '' hobbes kill_app -s USR1 lasting # now they go on, to the next barrier
expect 0 '' hobbes wait_app lasting
expect 0 '' hobbes check_db

# Under another launcher each rank is an application of its own, in that launcher's job.
if command -v mpiexec.hydra > /dev/null; then
  for where in k master; do
    expect_output '2 ranks, 2 here' mpiexec.hydra -n 2 hobbes launch_app "$where" -- "$build/tests/scenarios/programs/pmi-api"
  done
fi

if [[ -x $build/tests/scenarios/programs/mpi-ring ]]; then
  readonly ring=$build/tests/scenarios/programs/mpi-ring
  expect 0 'ring of 2: done' hobbes launch_app k -np 2 -- "$ring"
  expect 0 'ring of 2: done' hobbes launch_app master --oversubscribe -np 2 -- "$ring"
  expect 0 'ring of 4: done' hobbes launch_app master --oversubscribe -np 4 -- "$ring"
  expect 0 'ring of 2: done' mpiexec.hydra -n 2 hobbes launch_app k -- "$ring"
else
  echo 'left out: programs of MPICH, which was not there when this was built (libmpich-dev, mpich)'
fi
finish
