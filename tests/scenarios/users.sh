#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Several users on one node: who may do what, as whom programs run, and whose things are whose. The kernel says who calls.
source "$(dirname "$0")/lib.sh"

[[ $EUID -eq 0 ]] || skip 'only root can be several users'
command -v setpriv > /dev/null || skip 'there is no setpriv'

# Users and groups that no list of this machine knows: numbers are all the kernel needs.
readonly readers=64001 admins=64002
readonly ada=61001 bob=61002 carl=61003 nobody=65534
user() { echo setpriv --reuid "$1" --regid "$1" "${@:2}" --; }
as_ada=($(user $ada --groups $readers,$admins)) # an admin
as_bob=($(user $bob --groups $readers))         # a reader
as_carl=($(user $carl --groups $readers))       # a reader who owns an enclave
as_nobody=($(user $nobody --clear-groups))
"${as_nobody[@]}" true || skip 'this process may not become another user'

# They reach the run directory and the programs, wherever the build is.
chmod 711 "$work"
mkdir "$work/bin"
cp "$build/shell/hobbes" "$build/kernel-bridge/host-io/hobbes-proxy" "$build/leviathan/apps/hobbes-keeper" \
  "$build/examples/spin" "$work/bin"
chmod -R a+rX "$work/bin"
export PATH=$work/bin:$PATH HOBBES_HELPER_PATH=$work/bin
cd "$work" || exit 1

start_node --group $readers --admin-group $admins
[[ $(stat -c '%a %u:%g' "$HOBBES_RUN_DIR") == "750 0:$readers" ]] || fail "run directory: $(stat "$HOBBES_RUN_DIR")"

# Reading is for readers.
expect 1 'you may not|Permission denied' "${as_nobody[@]}" hobbes list_enclaves
expect 1 "you may not talk to it \\(it is for group '$readers'\\)" "${as_nobody[@]}" hobbes launch_app master -- "$busybox" true
for command in list_enclaves list_apps list_cpus list_memory check_db; do
  expect 0 '' "${as_bob[@]}" hobbes $command
done

# Changing the node is for admins, whatever the client says he is.
cat > k.xml << XML
<pisces name="k"><boot_env><memory size="32"/></boot_env><memory size="64"/></pisces>
XML
chmod a+r k.xml
expect 1 'create_enclave: user 61002 may not' "${as_bob[@]}" hobbes create_enclave k.xml
expect 1 'may not' "${as_bob[@]}" env USER=root LOGNAME=root HOME=/root hobbes create_enclave k.xml
expect 0 '' "${as_ada[@]}" hobbes create_enclave k.xml
expect 0 '' "${as_bob[@]}" hobbes ping_enclave k
expect 1 'may not' "${as_bob[@]}" hobbes destroy_enclave k
expect 1 'may not' "${as_bob[@]}" hobbes assign_memory k 32
expect 1 'may not' "${as_bob[@]}" hobbes remove_memory k 32
expect 1 'may not' "${as_bob[@]}" hobbes assign_cpus k 1
expect 1 'may not' "${as_bob[@]}" hobbes remove_cpus k 1
expect 0 '' "${as_ada[@]}" hobbes assign_memory k 32
expect 0 '' "${as_ada[@]}" hobbes remove_memory k 32

# A program is its launcher: ids, groups, umask, directory, and what he may not.
mkdir adas
chown $ada:$ada adas
echo secret > secret
chmod 600 secret
echo 'for admins' > shared
chgrp $admins shared
chmod 640 shared
for enclave in k master; do
  expect_output "$ada" "${as_ada[@]}" hobbes launch_app $enclave -- "$busybox" id -u
  expect_output "$ada" "${as_ada[@]}" hobbes launch_app $enclave -- "$busybox" id -g
  expect_output "$work/adas" "${as_ada[@]}" env -C adas hobbes launch_app $enclave -- "$busybox" pwd
  expect_output 'for admins' "${as_ada[@]}" hobbes launch_app $enclave -- "$busybox" cat "$work/shared"
  expect 1 'Permission denied' "${as_ada[@]}" hobbes launch_app $enclave -- "$busybox" cat "$work/secret"
  expect 1 'Permission denied' "${as_ada[@]}" hobbes launch_app $enclave -- "$busybox" touch "$work/not-adas"
  expect 1 'Permission denied' "${as_ada[@]}" hobbes launch_app $enclave -- "$work/secret"
  expect 0 '' "${as_ada[@]}" env -C adas bash -c "umask 027; hobbes launch_app $enclave -- $busybox touch by-$enclave"
  made=$(stat -c '%a %u:%g' "adas/by-$enclave")
  [[ $made == "640 $ada:$ada" ]] || fail "$enclave: a file that ada's program made is $made"
done
expect_output "$ada $readers $admins" "${as_ada[@]}" hobbes launch_app master -- "$busybox" id -G

# What the proxy of a program is, and the enclave's own processes.
ids_of() { awk '/^(Uid|Gid):/ { print $2, $3, $4, $5 } /^Groups:/ { $1 = ""; print }' "/proc/$1/status" | xargs; }
expect 0 '' "${as_ada[@]}" hobbes launch_app -d --name job k "$work/bin/spin"
for proxy in $(busy_proxies); do
  [[ $(ids_of "$proxy") == "$ada $ada $ada $ada $ada $ada $ada $ada $readers $admins" ]] ||
    fail "the proxy of ada's program is $(ids_of "$proxy")"
done
init_of() { awk '{ print $1; exit }' "$HOBBES_RUN_DIR/enclaves/$1/init.stat"; }
[[ $(ids_of "$(init_of 1)") == "$ada $ada $ada $ada $ada $ada $ada $ada" ]] ||
  fail "ada's enclave is $(ids_of "$(init_of 1)")"

# One user's things are not another's.
echo adas | "${as_ada[@]}" hobbes cat_into_file k /enclave/adas
for attempt in 'kill_app job' 'wait_app job' 'cat_file k /enclave/adas' 'cat_into_file k /enclave/bobs' 'console k' \
  'dump_cmd_queue k' "launch_app k -- $busybox true" "launch_app master -- $busybox true"; do
  expect 1 'belongs to user' "${as_bob[@]}" hobbes $attempt < /dev/null
done
app_state job Running || fail "ada's program did not survive bob"
log=$(ls "$HOBBES_RUN_DIR"/apps/*.log)
[[ $(stat -c '%a %u' "$log") == "640 $ada" ]] || fail "the log of ada's program is $(stat -c '%a %u' "$log")"
expect 0 '' "${as_ada[@]}" hobbes kill_app -s KILL job
expect 137 '' "${as_ada[@]}" hobbes wait_app job

# An enclave may be given to a user: he uses it, and changes nothing.
owned_by() { printf '<pisces name="his" owner="%s"><boot_env><memory size="32"/></boot_env></pisces>' "$1" > his.xml; }
owned_by "$bob:$bob"
expect 1 'only root' "${as_ada[@]}" hobbes create_enclave his.xml
owned_by no-such-user
expect 1 'no such user' hobbes create_enclave his.xml
owned_by $carl
expect 1 "write $carl:GROUP" hobbes create_enclave his.xml
owned_by "$carl:$carl"
expect 0 '' hobbes create_enclave his.xml
init=$(init_of "$(hobbes list_enclaves | awk -F'|' '$3 ~ / his / { print $2 + 0 }')")
[[ $(ids_of "$init") == "$carl $carl $carl $carl $carl $carl $carl $carl" ]] || fail "carl's enclave is $(ids_of "$init")"
expect_output "$carl" "${as_carl[@]}" hobbes launch_app his -- "$busybox" id -u
echo carls | "${as_carl[@]}" hobbes cat_into_file --mode 600 his /enclave/carls
expect_output "$carl 600" "${as_carl[@]}" hobbes launch_app his -- "$busybox" stat -c '%u %a' /enclave/carls
expect_output 'carls' "${as_carl[@]}" hobbes cat_file his /enclave/carls
expect 1 'belongs to user' "${as_bob[@]}" hobbes launch_app his -- "$busybox" true
expect 1 'belongs to user' "${as_carl[@]}" hobbes launch_app k -- "$busybox" true
expect 1 'may not' "${as_carl[@]}" hobbes destroy_enclave his
expect 0 '' "${as_carl[@]}" hobbes launch_app -d --name carls his "$work/bin/spin"
expect 1 'belongs to user' "${as_bob[@]}" hobbes kill_app carls
expect 0 '' "${as_ada[@]}" hobbes kill_app -s KILL carls

# The files that a user reads through an enclave are those that he may read.
expect 1 'Permission denied' "${as_ada[@]}" hobbes cat_file k "$work/secret"
expect 1 'Permission denied' "${as_carl[@]}" hobbes cat_file his "$work/shared"
expect_output 'for admins' "${as_ada[@]}" hobbes cat_file k "$work/shared"

# A run directory of somebody else's.
mkdir bobs
chown $bob:$bob bobs
chmod 755 bobs
expect 1 "$work/bobs: belongs to user $bob, not to us" leviathan --run-dir "$work/bobs" --memory 64M --block-size 32M
cp "$build/leviathan/leviathan" bin
chmod a+rx bin/leviathan
expect 1 'belongs to user 0, not to us|Permission denied' \
  "${as_bob[@]}" "$work/bin/leviathan" --run-dir "$HOBBES_RUN_DIR" --memory 64M --block-size 32M
expect 1 "$work/bobs: belongs to user $bob, not to root or us" "${as_carl[@]}" hobbes --run-dir "$work/bobs" list_enclaves
expect 1 "not running in $work/bobs|never run in $work/bobs" "${as_bob[@]}" hobbes --run-dir "$work/bobs" list_enclaves
expect 2 'no-such-group' leviathan --group no-such-group
finish
