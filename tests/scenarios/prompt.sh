#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The prompt, on a terminal of its own: editing, completion, history, Ctrl-C.
source "$(dirname "$0")/lib.sh"

start_node
create kitten 2
export HOME=$work XDG_STATE_HOME=$work/state HOBBES_EXAMPLES=$build/examples
unset LC_ALL LANG
cd "$work" || exit 1
checks=$((checks + 1))
python3 -B "$here/prompt.py" || fail 'at the prompt'
[[ $(stat -c %a "$work/state/hobbes/history") == 600 ]] || fail 'others can read the history'
finish
