#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# leviathan is killed in the middle of things and started again: nothing is lost, nothing leaks, what ran still runs.
source "$(dirname "$0")/lib.sh"

start_node
create k 1 96
expect 0 '' hobbes launch_app -d --name runner k "$build/examples/spin"
expect 0 '' hobbes launch_app -d --name linux-runner master "$build/examples/spin"

restart() {
  wait "$leviathan_pid" 2> /dev/null
  start_node
}

# Killed while nothing happens.
kill -KILL "$leviathan_pid"
expect 0 'k .*Running' hobbes list_enclaves
restart
enclave_state k Running || fail 'the enclave was not adopted'
app_state runner Running || fail 'the application was not adopted'
app_state linux-runner Running || fail 'the Linux application was not adopted'
expect 0 '' hobbes check_db
expect_output 'still there' hobbes launch_app k -- "$busybox" echo still there
expect 0 '' hobbes ping_enclave k

# What ended while it was away is known afterwards.
expect 0 '' hobbes launch_app -d --name short k -- "$busybox" sh -c 'sleep 1; exit 9'
kill -KILL "$leviathan_pid"
sleep 2
restart
expect 9 '' hobbes wait_app short

# Killed at every step of every operation.
baseline_blocks=$(free_blocks)
baseline_cpus=$(free_cpus)
cat > "$work/new.xml" << XML
<pisces bridge="hosted" name="new"><boot_env><memory size="32"/></boot_env></pisces>
XML
steps=$(grep -oE '"[a-z_]+\.[a-z]+"' "$here/../../leviathan/fault_point.hpp" | tr -d '"')
[[ -n $steps ]] || fail 'no fault points to die at'
for step in $steps; do
  kill -TERM "$leviathan_pid" 2> /dev/null  # refused: enclaves live
  kill -KILL "$leviathan_pid"
  wait "$leviathan_pid" 2> /dev/null
  HOBBES_KILL_AT=$step start_node
  case $step in
    create*) timeout 20 hobbes create_enclave "$work/new.xml" > /dev/null 2>&1 ;;
    destroy*)
      timeout 20 hobbes create_enclave "$work/new.xml" > /dev/null 2>&1
      timeout 20 hobbes destroy_enclave new > /dev/null 2>&1
      ;;
    *memory*)
      timeout 20 hobbes assign_memory k 32 > /dev/null 2>&1
      timeout 20 hobbes remove_memory k 32 > /dev/null 2>&1
      ;;
    *cpu*)
      timeout 20 hobbes assign_cpus k 1 > /dev/null 2>&1
      timeout 20 hobbes remove_cpus k 1 > /dev/null 2>&1
      ;;
    launch*) timeout 20 hobbes launch_app k -- "$busybox" true > /dev/null 2>&1 ;;
    *) continue ;;
  esac
  eventually bash -c "! kill -0 $leviathan_pid"
  wait "$leviathan_pid" 2> /dev/null
  start_node
  expect 0 '' hobbes check_db
  enclave_state k Running || fail "$step: the running enclave was lost"
  app_state runner Running || fail "$step: the running application was lost"
  hobbes list_enclaves | grep -q '| *new ' && expect 0 '' hobbes destroy_enclave new
  while (($(free_blocks) < baseline_blocks)); do hobbes remove_memory k 32 > /dev/null 2>&1 || break; done
  while (($(free_cpus) < baseline_cpus)); do hobbes remove_cpus k 1 > /dev/null 2>&1 || break; done
  [[ $(free_blocks) -eq $baseline_blocks && $(free_cpus) -eq $baseline_cpus ]] ||
    fail "$step: $(free_blocks) of $baseline_blocks blocks and $(free_cpus) of $baseline_cpus CPUs are free"
done

expect 0 '' hobbes kill_app -s KILL runner
expect 0 '' hobbes kill_app -s KILL linux-runner
finish
