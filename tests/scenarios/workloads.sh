#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The workloads (tests/workloads), each briefly: on Linux, with a reservation of large pages, and in an enclave. Each
# checks its result; with memory that is mapped before it is used none has page faults.
source "$(dirname "$0")/lib.sh"

readonly workloads=$build/tests/workloads
node_memory=512M start_node
create k 1 224

for workload in 'cg 24' 'md 20' 'stream 2' 'random-access 18' 'detour 100'; do
  read -ra words <<< "$workload"
  program=$workloads/${words[0]} size=${words[1]}
  expect 0 "^${words[0]} verified " "$program" "$size"
  expect 0 "^${words[0]} verified .* 0 faults$" hobbes launch_app master --hpmmap --heap_size 160 -- "$program" "$size"
  expect 0 "^${words[0]} verified .* 0 faults$" hobbes launch_app k --heap_size 112 -- "$program" "$size"
  expect 2 "'0': must be a number" "$program" 0
done

# Load, while something else runs.
"$here/../workloads/load" both "$build" &
load=$!
expect 0 '^cg verified .* 0 faults$' hobbes launch_app master --hpmmap --heap_size 160 -- "$workloads/cg" 24
kill -TERM "$load"
wait "$load"
expect 2 'none of compile, hog, both' "$here/../workloads/load" nothing "$build"

# HPC Challenge itself.
if command -v hpcc > /dev/null; then
  mkdir "$work/hpcc"
  cd "$work/hpcc" || exit 1
  sed -e '6s/[0-9 ]*/200 /' -e '8s/[0-9 ]*/40 /' -e '11s/[0-9 ]*/1 /' -e '12s/[0-9 ]*/1 /' \
    /usr/share/doc/hpcc/examples/_hpccinf.txt > hpccinf.txt
  export OMPI_MCA_ess_singleton_isolated=1  # no daemon of its own for one process
  for where in plain master; do
    rm -f hpccoutf.txt
    before=()
    [[ $where == master ]] && before=(hobbes launch_app master --hpmmap --heap_size 192 --)
    expect 0 '' "${before[@]}" "$(command -v hpcc)"
    checks=$((checks + 1))
    grep -qx 'Success=1' hpccoutf.txt || fail "hpcc, $where: $(tail -20 hpccoutf.txt 2>&1)"
  done
  cd / || exit 1
else
  echo 'left out: hpcc is not installed'
fi
finish
