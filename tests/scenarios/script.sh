#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Scripts of hobbes commands: from a file, as a program, from a pipe.
source "$(dirname "$0")/lib.sh"

start_node
create k

# A file, its comments and quotes; a program.
cat > "$work/tour.hob" << SCRIPT
#!/usr/bin/env -S hobbes -f
# A tour.
launch_app k -- $busybox sh -c 'echo one   two; echo "three"'   # the quotes are this line's

launch_app k -- $busybox echo '#' is\ no comment
SCRIPT
chmod +x "$work/tour.hob"
expect_output $'one two\nthree\n# is no comment' hobbes -f "$work/tour.hob"
expect_output $'one two\nthree\n# is no comment' "$work/tour.hob"
expect_output $'one two\nthree\n# is no comment' bash -c "hobbes < $work/tour.hob"
expect_output $'one two\nthree\n# is no comment' bash -c "cat $work/tour.hob | hobbes"
expect_output '' bash -c 'hobbes < /dev/null'

# It stops where it fails, and says where.
printf '%s\n' 'list_apps' "launch_app k -- $busybox sh -c 'exit 7'" 'destroy_enclave k' > "$work/fails.hob"
expect 7 'fails.hob:2: launch_app: ended with status 7' hobbes -f "$work/fails.hob"
printf '%s\n' '' 'destroy_enclave nobody' 'destroy_enclave k' > "$work/refused.hob"
expect 1 "refused.hob:2: .*'nobody'" hobbes -f "$work/refused.hob"
expect 1 'stdin:2: ' bash -c "hobbes < $work/refused.hob"
printf '%s\n' 'destroy_enclav k' > "$work/wrong.hob"
expect 2 "wrong.hob:1: unknown command 'destroy_enclav'" hobbes -f "$work/wrong.hob"
enclave_state k Running || fail 'a script went on where it should have stopped'
expect 1 'No such file' hobbes -f "$work/none.hob"
expect 2 'give one of them' hobbes -f "$work/tour.hob" list_apps

# Unless it shall go on.
printf '%s\n' "launch_app k -- $busybox sh -c 'exit 7'" 'destroy_enclave nobody' "launch_app k -- $busybox echo on" \
  > "$work/on.hob"
expect 7 '^on$' hobbes --keep-going -f "$work/on.hob"
expect 7 '^on$' bash -c "hobbes -k < $work/on.hob"
expect 3 '' bash -c "printf '%s\n' 'exit 3' 'destroy_enclave k' | hobbes"

# Commands read on where the script stands.
printf '%s\n' 'cat_into_file k /enclave/text' 'this is text' 'and no command' > "$work/text.hob"
expect 0 '' bash -c "hobbes < $work/text.hob"
expect_output $'this is text\nand no command' hobbes cat_file k /enclave/text

# A script outlives its leviathan.
mkfifo "$work/commands"
hobbes < "$work/commands" > "$work/replies" 2>&1 &
script=$!
exec 8> "$work/commands"
replied() { grep -q -- "$1" "$work/replies"; }
echo "launch_app k -- $busybox echo before" >&8
eventually replied before
kill -KILL "$leviathan_pid"
wait "$leviathan_pid" 2> /dev/null
start_node
echo "launch_app k -- $busybox echo after" >&8
eventually replied after
echo exit >&8
exec 8>&-
wait "$script" || fail "the script ended with $?: $(cat "$work/replies")"
finish
