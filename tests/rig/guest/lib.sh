# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Checks for scenarios in the machine: each says what it expected, finish counts them.
checks=0
failures=0

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*"
}

# section TEXT: what comes next
section() { echo "-- $* ($(cut -d ' ' -f 1 /proc/uptime) s)"; }

# check WHAT COMMAND...: it succeeds
check() {
  what=$1
  shift
  checks=$((checks + 1))
  output=$("$@" 2>&1) || fail "$what: '$*' ended with $?: $output"
}

# expect STATUS PATTERN COMMAND...: its status, and its output (both streams) somewhere matching
expect() {
  wanted=$1 pattern=$2
  shift 2
  checks=$((checks + 1))
  output=$("$@" 2>&1)
  got=$?
  if [ "$got" -ne "$wanted" ]; then
    fail "'$*' ended with $got, expected $wanted: $output"
  elif [ -n "$pattern" ] && ! echo "$output" | grep -qE -- "$pattern"; then
    fail "'$*' printed '$output', expected /$pattern/"
  fi
}

# equal WHAT EXPECTED GOT
equal() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] || fail "$1: '$3', expected '$2'"
}

# eventually COMMAND...: true within twenty seconds
eventually() {
  checks=$((checks + 1))
  tries=0
  until "$@" > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { fail "never came true: $*"; return 1; }
    sleep 0.1
  done
}

# The numbers of memory blocks that Linux can really give up: the last one of a node holds pages of the kernel even if
# it is called movable.
free_blocks() {
  for block in /sys/devices/system/memory/memory[0-9]*; do
    [ "$(cat "$block/valid_zones")" = Movable ] || continue
    echo offline 2> /dev/null > "$block/state" || continue
    echo online_movable > "$block/state"
    echo "${block##*/memory}"
  done | tr '\n' ' '
}

# The last line of a scenario
finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
  exit $?
}
