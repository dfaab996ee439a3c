# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The harness of the scenarios: a node of one's own, and checks that say what they expected.
set -uo pipefail

readonly here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly build=${HOBBES_BUILD:?the build directory}
readonly busybox=/bin/busybox
export PATH=$build/leviathan:$build/shell:$PATH
export HOBBES_BOOT_LOADER=$build/cokernel/arch/hosted/boot/cokernel-boot
export HOBBES_COKERNEL=$build/cokernel/arch/hosted/cokernel-hosted
export HOBBES_HELPER_PATH=$build/kernel-bridge/host-io:$build/leviathan/apps
unset HOBBES_ENCLAVE_ID HOBBES_APP_ID

work=$(mktemp -d "${TMPDIR:-/tmp}/hobbes-test.XXXXXX")
export HOBBES_RUN_DIR=$work/run
leviathan_pid=
failures=0
checks=0

skip() {
  echo "skipped: $*"
  rm -rf "$work"
  exit 77
}

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*" >&2
}

# start_node [leviathan options...]
start_node() {
  leviathan --memory 384M --block-size 32M --overcommit-cpus 8 "$@" 2>> "$work/leviathan.log" &
  leviathan_pid=$!
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    hobbes list_enclaves --json 2> /dev/null | grep -q '"live": *true' && return 0
    kill -0 "$leviathan_pid" 2> /dev/null || break
    sleep 0.05
  done
  echo "FAILED: leviathan did not come up:" >&2
  cat "$work/leviathan.log" >&2
  exit 1
}

# create NAME [CPUS] [MEMORY MiB] [more XML]: an enclave
create() {
  cat > "$work/$1.xml" << XML
<pisces bridge="hosted" name="$1">
  <boot_env><memory size="32"/></boot_env>
  <memory size="$((${3:-96} - 32))"/>
  $( ((${2:-1} > 1)) && echo "<cpus><cores>$((${2:-1} - 1))</cores></cpus>")
  ${4:-}
</pisces>
XML
  expect 0 '' hobbes create_enclave "$work/$1.xml"
}

# expect STATUS REGEX COMMAND...: runs it; its status, and its output (both streams) somewhere matching, or it fails.
expect() {
  local status=$1 pattern=$2 got output
  shift 2
  checks=$((checks + 1))
  output=$(timeout 60 "$@" 2>&1)
  got=$?
  if [[ $got -ne $status ]]; then
    fail "$* ended with $got, expected $status: $output"
  elif [[ -n $pattern ]] && ! grep -qE -- "$pattern" <<< "$output"; then
    fail "$* printed '$output', expected /$pattern/"
  fi
}

# expect_output TEXT COMMAND...: its standard output is exactly TEXT, its status 0
expect_output() {
  local expected=$1 output got
  shift
  checks=$((checks + 1))
  output=$(timeout 60 "$@" 2> "$work/stderr")
  got=$?
  [[ $got -eq 0 && $output == "$expected" ]] ||
    fail "$* ended with $got and printed '$output', expected '$expected'; $(cat "$work/stderr")"
}

# same_on_both COMMAND...: the program prints and returns the same on Linux and in the enclave "k"
same_on_both() {
  local linux enclave linux_status enclave_status
  checks=$((checks + 1))
  linux=$(timeout 60 "$@" 2>&1 < /dev/null)
  linux_status=$?
  enclave=$(timeout 60 hobbes launch_app k -- "$@" 2>&1 < /dev/null)
  enclave_status=$?
  [[ $linux_status -eq $enclave_status && $linux == "$enclave" ]] ||
    fail "$*: Linux: status $linux_status, '$linux'; enclave: status $enclave_status, '$enclave'"
}

# eventually COMMAND...: true within ten seconds
eventually() {
  local tries
  checks=$((checks + 1))
  for ((tries = 0; tries < 200; tries++)); do
    "$@" > /dev/null 2>&1 && return 0
    sleep 0.05
  done
  fail "never came true: $*"
}

# enclave_state NAME STATE, app_state NAME STATE
enclave_state() { hobbes list_enclaves | grep -qE "\| *$1 .*\| *$2 *\|"; }
app_state() { hobbes list_apps | grep -qE "\| *$1 .*\| *$2 *\|"; }
free_blocks() { hobbes list_memory | grep -c '| *FREE '; }
free_cpus() { hobbes list_cpus | grep -c '| *FREE '; }

# Every process that names this run directory, or has its mark in its environment
our_processes() { pgrep -f -- "$work" | grep -vx "$$"; }

stop_node() {
  kill -TERM "$leviathan_pid" 2> /dev/null
  wait "$leviathan_pid"
  local status=$?
  leviathan_pid=
  return "$status"
}

clean_up() {
  [[ -n $leviathan_pid ]] && kill -KILL "$leviathan_pid" 2> /dev/null
  local pid
  for pid in $(our_processes); do kill -KILL "$pid" 2> /dev/null; done
  rm -rf "$work"
}
trap clean_up EXIT

# The last line of a scenario: destroys what still lives, and looks at what is left behind.
finish() {
  expect 0 '' hobbes check_db
  local name
  for name in $(hobbes list_enclaves --json | grep -oE '"name": *"[^"]+"' | cut -d'"' -f4 | grep -vx master); do
    expect 0 '' hobbes destroy_enclave "$name"
  done
  expect 0 '' hobbes check_db
  local memory
  memory=$(hobbes list_memory | grep -cE '\| *(ALLOCATED|RSVD) ')
  [[ $memory -eq 0 ]] || fail "$memory memory blocks are still in use after all enclaves were destroyed"
  stop_node || fail "leviathan stopped with status $?: $(tail -5 "$work/leviathan.log")"
  eventually no_processes_left
  [[ -z $(ls -A "$HOBBES_RUN_DIR" 2> /dev/null) ]] || fail "left in the run directory: $(ls -A "$HOBBES_RUN_DIR")"
  echo "$checks checks, $failures failed"
  [[ $failures -eq 0 ]] || { echo "--- leviathan.log"; tail -30 "$work/leviathan.log"; } >&2
  exit $((failures > 0))
}
no_processes_left() { [[ -z $(our_processes) ]]; }
