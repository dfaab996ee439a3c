#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each mistake gets its sentence and its exit code, and changes nothing.
source "$(dirname "$0")/lib.sh"

expect 1 'not running' hobbes create_enclave "$here/lib.sh"
expect 2 "create_enclav" hobbes create_enclav
expect 0 '' bash -c 'hobbes < /dev/null'  # a script without a line
start_node
create k

expect 2 '' hobbes create_enclave
expect 2 '' hobbes destroy_enclave
expect 2 '' hobbes launch_app k
expect 2 '' hobbes ping_enclave -c many k
expect 2 '' hobbes ping_enclave -c 3x k
expect 2 '' hobbes list_cpus --frobnicate
expect 1 'nobody' hobbes destroy_enclave nobody
expect 1 'nobody' hobbes ping_enclave nobody
expect 1 'nobody' hobbes launch_app nobody -- "$busybox" true
expect 1 'master' hobbes destroy_enclave master
expect 1 '' hobbes wait_app nobody
expect 1 '' hobbes kill_app nobody
expect 2 '' hobbes kill_app -s NOSUCH k

# Descriptors.
expect 1 'No such file' hobbes create_enclave "$work/none.xml"
expect 1 'taken' hobbes create_enclave "$work/k.xml"
refuse() {  # refuse REGEX XML
  printf '%s\n' "$2" > "$work/bad.xml"
  expect 1 "bad.xml.*$1" hobbes create_enclave "$work/bad.xml"
}
refuse '' 'this is not XML'
refuse 'pisces' '<vm name="x"/>'
refuse 'bridge' '<pisces name="x" bridge="warp"><cpus><cores>1</cores></cpus></pisces>'
refuse 'twice' '<pisces name="x"><name>y</name><cpus><cores>1</cores></cpus></pisces>'
refuse 'colour' '<pisces name="x" colour="red"/>'
refuse 'size' '<pisces name="x"><memory size="12q"/></pisces>'
printf '<pisces name="x"><memory size="1000000"/><cpus><cores>1</cores></cpus></pisces>' > "$work/large.xml"
expect 1 'free' hobbes create_enclave "$work/large.xml"
printf '<pisces name="x"><memory size="32"/><cpus><cores>500</cores></cpus></pisces>' > "$work/large.xml"
expect 1 'free' hobbes create_enclave "$work/large.xml"
refuse 'schedule_hz' '<pisces name="x" schedule_hz="0"/>'
printf '<pisces name="x" schedule_hz="100"/>' > "$work/turns.xml"
expect 1 'Linux decides how long a turn is' hobbes create_enclave "$work/turns.xml"
echo 'not a kernel' > "$work/kernel"
printf '<pisces name="x" kernel="%s"><cpus><cores>1</cores></cpus></pisces>' "$work/kernel" > "$work/large.xml"
expect 1 '' hobbes create_enclave "$work/large.xml"

# Programs.
head -c 3000 "$busybox" > "$work/truncated"
cp "$busybox" "$work/other"
printf '\xb7\x00' | dd of="$work/other" bs=1 seek=18 conv=notrunc status=none
chmod +x "$work/truncated" "$work/other"
expect 1 'truncated' hobbes launch_app k -- "$work/truncated"
expect 1 'machine' hobbes launch_app k -- "$work/other"
expect 1 'No such file' hobbes launch_app k -- /no/such/program
expect 1 'Permission denied' hobbes launch_app k -- "$work/kernel"
expect 1 'No such file' hobbes launch_app master -- /no/such/program

# Another leviathan in the same directory; a directory that is not ours.
expect 1 'already|another' leviathan --memory 64M --block-size 32M
mkdir -p "$work/theirs" && chmod 777 "$work/theirs"
expect 1 '' leviathan --run-dir "$work/theirs" --memory 64M --block-size 32M
expect 2 '' leviathan --memory lots
expect 2 '' leviathan --no-such-option

enclave_state k Running || fail 'the enclave did not survive the mistakes'
expect 0 '' hobbes launch_app k -- "$busybox" true
finish
