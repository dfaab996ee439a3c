#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an enclave's <host_io> lets it reach, its programs and cat_file and cat_into_file alike.
source "$(dirname "$0")/lib.sh"

start_node
cd "$work" || exit 1
echo secret > secret
mkdir -p jail/dir
echo inside > jail/file
ln -s /file jail/absolute
ln -s ../../secret jail/dir/out
ln -s "$work/secret" jail/far
cp "$busybox" jail/busybox

# Mode none: nothing of the host, so programs are put into the enclave.
create sealed 1 96 '<host_io mode="none"/>'
expect 1 'reaches no files of the host' hobbes cat_file sealed "$work/secret"
expect 1 'reaches no files of the host' bash -c "echo x | hobbes cat_into_file sealed $work/made"
[[ ! -e made ]] || fail 'cat_into_file made a file of the host that the enclave does not reach'
expect 1 'Operation not permitted' hobbes launch_app sealed -- "$busybox" true
hobbes cat_into_file sealed /enclave/busybox < "$busybox" || fail 'cat_into_file of a program'
expect 1 'Permission denied' hobbes launch_app sealed -- /enclave/busybox true
hobbes cat_into_file --mode 755 sealed /enclave/busybox < "$busybox" || fail 'cat_into_file of a program, with its mode'
expect_output 'hello' hobbes launch_app sealed -- /enclave/busybox echo hello
expect_output '755' hobbes launch_app sealed -- /enclave/busybox stat -c %a /enclave/busybox
expect_output 'THROUGH' bash -c 'echo through | hobbes launch_app sealed -- /enclave/busybox tr a-z A-Z'
expect 1 'not permitted|No such file' hobbes launch_app sealed -- /enclave/busybox cat "$work/secret"

# Modes of files: the usual ones, or exactly those that are asked for, new or not.
mode_of() { hobbes launch_app sealed -- /enclave/busybox stat -c %a "/enclave/$1"; }
(umask 027 && echo x | hobbes cat_into_file sealed /enclave/usual)
[[ $(mode_of usual) == 640 ]] || fail "a new file has mode $(mode_of usual)"
(umask 077 && echo x | hobbes cat_into_file -m 664 sealed /enclave/usual)
[[ $(mode_of usual) == 664 ]] || fail "a file that was given 664 has mode $(mode_of usual)"
(umask 077 && echo x | hobbes cat_into_file sealed /enclave/usual)
[[ $(mode_of usual) == 664 ]] || fail "a file that was written again has mode $(mode_of usual)"
expect 2 'octal' bash -c 'hobbes cat_into_file --mode u+x sealed /enclave/usual < /dev/null'

# A root: paths start there and do not lead out.
create rooted 1 96 "<host_io mode=\"files\" root=\"$work/jail\"/>"
for path in /file /../file /dir/../../file /absolute; do
  expect_output 'inside' hobbes cat_file rooted "$path"
  expect_output 'inside' hobbes launch_app rooted -- /busybox cat "$path"
done
for path in "$work/secret" /../secret /dir/out /far; do
  expect 1 'No such file' hobbes cat_file rooted "$path"
  expect 1 'No such file' hobbes launch_app rooted -- /busybox cat "$path"
done
echo new | hobbes cat_into_file --mode 600 rooted /dir/new || fail 'cat_into_file below a root'
[[ $(cat jail/dir/new) == new && $(stat -c %a jail/dir/new) == 600 ]] || fail 'the file below the root is not the one sent'
echo more | hobbes cat_into_file --append rooted /dir/new
expect_output $'new\nmore' hobbes launch_app rooted -- /busybox cat /dir/new
echo x | hobbes cat_into_file rooted /dir/out || fail 'cat_into_file through a link'
[[ $(cat secret) == secret && $(cat jail/secret) == x ]] || fail 'a link led cat_into_file out of the root'
expect 1 'Permission denied|not permitted' hobbes launch_app rooted -- /busybox chmod 777 /dev/stdin < secret

# What the enclave says is no path of the host: a link of its programs leads nowhere.
expect 0 '' hobbes launch_app rooted -- /busybox ln -s /file /enclave/link
expect 1 'No such file' hobbes cat_file rooted /enclave/link
finish
