#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that takes whatever it gets harms itself: the enclave, and its other programs, go on.
source "$(dirname "$0")/lib.sh"

abuse=$build/tests/scenarios/programs/abuse
start_node
create k 2 160

expect 0 '' hobbes launch_app -d --name bystander k "$build/examples/spin"
the_others_live() {
  expect 0 'bystander.*Running' hobbes list_apps
  expect_output 'still here' hobbes launch_app k -- "$busybox" sh -c 'echo still here | cat'
}

for way in '' --no-rewrite; do
  # shellcheck disable=SC2086  # no option is no word
  {
    expect 0 'recursion: 0 failures' hobbes launch_app $way k -- "$abuse" recursion
    expect 139 '' hobbes launch_app $way k -- "$abuse" overflow
    expect 0 'memory: 0 failures' hobbes launch_app $way k -- "$abuse" memory
    expect 0 'huge: 0 failures' hobbes launch_app $way k -- "$abuse" huge
    expect 0 'threads: 0 failures' hobbes launch_app $way k -- "$abuse" threads
  }
  the_others_live
done

# The bomb's processes wait, having taken all there is; they end with their application.
expect 0 '' hobbes launch_app -d --name bomb k -- "$abuse" bomb
eventually bash -c "hobbes launch_app k -- $busybox true; [[ \$? -ne 0 ]]"
expect 0 'bystander.*Running' hobbes list_apps
expect 0 '' hobbes kill_app -s KILL bomb
expect 137 '' hobbes wait_app bomb
the_others_live
expect 0 '' hobbes kill_app -s TERM bystander
expect 0 '' hobbes wait_app bystander
finish
