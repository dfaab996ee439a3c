#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cat_file and cat_into_file: byte-exact, any size, with the errno's text when they fail.
source "$(dirname "$0")/lib.sh"

start_node
create k 1 160
head -c 5000001 /dev/urandom > "$work/big"

# The host's files, through the enclave's name space.
hobbes cat_file k "$work/big" | cmp - "$work/big" || fail 'cat_file of a host file'
hobbes cat_into_file k "$work/copy" < "$work/big" || fail 'cat_into_file to a host file'
cmp "$work/big" "$work/copy" || fail 'the copied host file differs'

# The enclave's own.
hobbes cat_into_file k /enclave/big < "$work/big" || fail 'cat_into_file to the enclave'
hobbes cat_file k /enclave/big | cmp - "$work/big" || fail 'cat_file of an enclave file'
[[ ! -e /enclave/big ]] || fail 'the enclave file is on the host'
expect_output "$(sha256sum < "$work/big")" hobbes launch_app k -- "$busybox" sh -c "sha256sum < /enclave/big"

# Replaced, not overlaid; appended when asked.
echo short | hobbes cat_into_file k /enclave/big
expect_output 'short' hobbes cat_file k /enclave/big
echo more | hobbes cat_into_file --append k /enclave/big
expect_output $'short\nmore' hobbes cat_file k /enclave/big
: | hobbes cat_into_file k /enclave/empty
expect_output '' hobbes cat_file k /enclave/empty
expect 0 'Hobbes' hobbes cat_file k /proc/version

expect 1 'No such file or directory' hobbes cat_file k /enclave/nowhere
expect 1 'No such file or directory' hobbes cat_file k "$work/nowhere"
expect 1 '' bash -c "echo x | hobbes cat_into_file k /enclave/no/such/dir"
expect 1 '' hobbes cat_file nobody /enclave/x
expect_output 'short' bash -c "hobbes cat_file k /enclave/big | head -1"
hobbes cat_file master "$work/big" | cmp - "$work/big" || fail 'cat_file of the master'
rm -f "$work/copy"
finish
