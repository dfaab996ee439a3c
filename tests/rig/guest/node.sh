# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh A leviathan with the pisces bridge (the default where the driver is loaded), for scenarios:
# behind lib.sh. Linux keeps CPU 0; three blocks are for enclaves.
export HOBBES_RUN_DIR=/run/hobbes
leviathan=

total_memory() { grep MemTotal /proc/meminfo | tr -dc 0-9; }
online_cpus() { cat /sys/devices/system/cpu/online; }

is_up() { hobbes list_enclaves --json 2> /dev/null | grep -q '"live": *true'; }

# start_leviathan [VARIABLE=VALUE...]; $node_memory: what it takes, instead of three blocks
start_leviathan() {
  env "$@" leviathan --cpulist 0 --memory "${node_memory:-384M}" 2>> /tmp/leviathan.log &
  leviathan=$!
  eventually is_up || cat /tmp/leviathan.log
}

kill_leviathan() {
  kill -KILL "$leviathan" 2> /dev/null
  wait "$leviathan" 2> /dev/null
}

enclave_is() { hobbes list_enclaves | grep -qE "\| $1 .*\| $2 "; }

# The end of a scenario: nothing lives, everything is Linux's again.
stop_node() {
  expect 0 '' hobbes check_db
  kill "$leviathan"
  wait "$leviathan"
  equal 'how leviathan ended' 0 "$?"
  equal 'all CPUs are back' 0-3 "$(online_cpus)"
  equal 'all memory is back' "$memory_before" "$(total_memory)"
  check 'nothing is left in the driver' rmmod pisces
  [ "$failures" -eq 0 ] || cat /tmp/leviathan.log
}

memory_before=$(total_memory)
check 'the driver loads' insmod /modules/pisces.ko
