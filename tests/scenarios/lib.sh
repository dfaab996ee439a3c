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
export HOBBES_HELPER_PATH=$build/kernel-bridge/host-io:$build/leviathan/apps:$build/leviathan/pmi:$build/hpmmap
unset HOBBES_ENCLAVE_ID HOBBES_APP_ID

work=$(mktemp -d "${TMPDIR:-/tmp}/hobbes-test.XXXXXX")
export HOBBES_RUN_DIR=$work/run
leviathan_pid=
finished=
failures=0
checks=0

skip() {
  echo "skipped: $*"
  finished=yes
  exit 77
}

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*" >&2
}

# start_node [leviathan options...]; the node has $node_memory
start_node() {
  leviathan --memory "${node_memory:-384M}" --block-size 32M --overcommit-cpus 8 "$@" 2>> "$work/leviathan.log" &
  leviathan_pid=$!
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    hobbes list_enclaves --json 2> /dev/null | grep -q '"live": *true' && { note_memory && return 0; }
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

# The proxies that serve an application of this node, the oldest application's first: not the one that waits for the next.
busy_proxies() {
  local proxy number
  for proxy in $(pgrep -x hobbes-proxy); do
    number=$(tr '\0' '\n' < "/proc/$proxy/environ" | sed -n "s,^HOBBES_HELPER_OF=$HOBBES_RUN_DIR:0*,,p")
    [[ -n $number ]] && echo "$number $proxy"
  done 2> /dev/null | sort -n | cut -d ' ' -f 2
}
some_proxy_serves() { [[ -n $(busy_proxies) ]]; }

# eventually COMMAND...: true within ten seconds
eventually() {
  local tries
  checks=$((checks + 1))
  for ((tries = 0; tries < 200; tries++)); do
    "$@" > /dev/null 2>&1 && return 0
    sleep 0.05
  done
  fail "never came true: $*"
  return 1
}

# enclave_state NAME STATE, app_state NAME STATE
enclave_state() { hobbes list_enclaves | grep -qE "\| *$1 .*\| *$2 *\|"; }
app_state() { hobbes list_apps | grep -qE "\| *$1 .*\| *$2 *\|"; }
free_blocks() { hobbes list_memory | grep -c '| *FREE '; }
free_cpus() { hobbes list_cpus | grep -c '| *FREE '; }

# The memory of this node: every file without a name that leviathan holds (blocks, queues), by inode. Enclaves and
# proxies hold the same ones, and nobody else does. Huge pages are these files' pages: they are free when the files are.
note_memory() {
  find "/proc/$leviathan_pid/fd" -lname '/memfd:*' -exec stat -Lc %i {} + 2> /dev/null >> "$work/memory"
  sort -uo "$work/memory" "$work/memory"
}

# The processes that hold or map a noted file
memory_holders() {
  [[ -s $work/memory ]] || return 0
  find /proc/[0-9]*/fd -lname '/memfd:*' -printf '%h ' -exec stat -Lc %i {} \; 2> /dev/null |
    awk 'NR == FNR { noted[$1]; next } $2 in noted { split($1, part, "/"); print part[3] }' "$work/memory" -
  grep -s '/memfd:' /proc/[0-9]*/maps |
    awk 'NR == FNR { noted[$1]; next } $5 in noted { split($1, part, "/"); print part[3] }' "$work/memory" -
}

# Every process that names this run directory, has its mark in its environment, or holds memory of this node
our_processes() {
  local pid
  for pid in $({ memory_holders; grep -lFsa -- "$work" /proc/[0-9]*/{cmdline,environ} | cut -d/ -f3; } | sort -un); do
    [[ $pid -ne $$ && -d /proc/$pid ]] && echo "$pid"
  done
}
describe() { ps -o pid=,args= -p "$(paste -sd,)"; }

leviathan_runs() { kill -0 "$leviathan_pid" && ! grep -q '^State:.Z' "/proc/$leviathan_pid/status"; }
stop_node() {
  local tries
  kill -TERM "$leviathan_pid" 2> /dev/null
  for ((tries = 0; tries < 1200; tries++)); do
    leviathan_runs 2> /dev/null || break
    sleep 0.05
  done
  leviathan_runs 2> /dev/null && kill -KILL "$leviathan_pid" # it refused, or hangs: its log says
  wait "$leviathan_pid"
  local status=$?
  leviathan_pid=
  return "$status"
}

clean_up() {
  local status=$? pid
  [[ -n $leviathan_pid ]] && kill -KILL "$leviathan_pid" 2> /dev/null
  for pid in $(our_processes); do kill -KILL "$pid" 2> /dev/null; done
  rm -rf "$work"
  [[ -n $finished ]] || echo 'FAILED: the scenario ended before its end' >&2
  [[ -n $finished || $status -ne 0 ]] || exit 1
}
trap clean_up EXIT

# The last line of every scenario: destroys what still lives, and looks at what is left behind.
finish() {
  finished=yes
  note_memory
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
  eventually no_processes_left || our_processes | describe >&2
  [[ -z $(ls -A "$HOBBES_RUN_DIR" 2> /dev/null) ]] || fail "left in the run directory: $(ls -A "$HOBBES_RUN_DIR")"
  echo "$checks checks, $failures failed"
  [[ $failures -eq 0 ]] || { echo "--- leviathan.log"; tail -30 "$work/leviathan.log"; } >&2
  exit $((failures > 0))
}
no_processes_left() { [[ -z $(our_processes) ]]; }
