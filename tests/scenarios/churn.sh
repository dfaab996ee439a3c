#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory that is taken and given back all day long: nothing of it is lost, and it does not become slower. 10^8 operations with
# HOBBES_LONG_TESTS.
source "$(dirname "$0")/lib.sh"

operations=20000000
[[ -z ${HOBBES_LONG_TESTS:-} ]] || operations=100000000
readonly churn=$build/tests/scenarios/programs/churn

# What is free in the enclave while nothing runs but the program that asks.
free_memory() { hobbes launch_app k -- "$busybox" awk '/^MemFree/ { print $2 }' /proc/meminfo; }
# Its first applications leave room for the records of later ones: until the same was free three times.
warm_up() {
  local last=0 now same=0 tries
  for ((tries = 0; tries < 40 && same < 3; tries++)); do
    hobbes launch_app "$@" k -- "$churn" 30000 > "$work/short" || fail "a short one: $(cat "$work/short")"
    now=$(free_memory)
    [[ $now -eq $last ]] && same=$((same + 1)) || same=0
    last=$now
  done
}

start_node
create k 2 160
for options in '' --no-rewrite; do
  # shellcheck disable=SC2086
  warm_up $options
  before=$(free_memory)
  checks=$((checks + 1))
  # shellcheck disable=SC2086
  timeout 1500 hobbes launch_app $options k -- "$churn" "$operations" > "$work/output" 2>&1 || fail "churn $options: $(cat "$work/output")"
  cat "$work/output"
  after=$(free_memory)
  # The kernel's heap keeps a page that any of its pieces is left in.
  ((before - after <= 64)) || fail "$before KiB were free before, $after afterwards"
  operations=$((operations / 10))  # the trap costs more, and changes nothing here
done
finish
