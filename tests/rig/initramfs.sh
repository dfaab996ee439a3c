# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The initramfs: busybox, the guest's half of the rig, one scenario and what it asks for in its head:
#   # programs: PATH...   files of the build directory (or absolute), with the libraries they need; found in $PATH there
#   # conformance: NAME...  programs of tests/scenarios/programs
#   # modules: NAME...    modules of Debian's kernel, loaded in this order; PATH.ko of the build directory, not loaded
#   # files: PATH...      files of the source tree, which go to /files
# What `run` reads there: "# kernel arguments: ..." for Linux, "# kernel says: ..." (its last words).

# asked_for HEAD SCENARIO_FILE: the words behind "# HEAD:"
asked_for() { sed -n "s/^# $1: *//p" "$2" | tr '\n' ' '; }

programs_of() {
  asked_for programs "$1"
  local name
  for name in $(asked_for conformance "$1"); do echo "tests/scenarios/programs/conformance-$name"; done
}

# libraries_of PROGRAM: the shared objects that it needs, its loader included
libraries_of() { ldd "$1" 2> /dev/null | grep -oE '/[^ ]+' | sort -u; }

# put FILE DIRECTORY: a copy, without debug information where it has some
put() {
  mkdir -p "$2"
  cp --dereference "$1" "$2/" && chmod u+w "$2/${1##*/}"
  if [[ $1 != *.ko ]]; then strip --strip-debug "$2/${1##*/}" 2> /dev/null || true; fi
}

# Module and those it needs, first what is to be loaded first
module_files() {
  local kernel=$1 name=$2
  sed -n "s,^\([^:]*/${name//[-_]/[-_]}\.ko\): *\(.*\),\1 \2,p" "/lib/modules/$kernel/modules.dep" |
    tr ' ' '\n' | tac | grep .
}

# stage DIRECTORY SCENARIO_FILE KERNEL: everything in its place
stage() {
  local root=$1 scenario=$2 kernel=$3 item file
  mkdir -p "$root"/{bin,lib/rig,programs,modules,files,proc,sys,dev,tmp,run,etc,root}
  cp /bin/busybox "$root/bin/"
  cp "$rig/guest/init" "$root/init"
  cp "$rig"/guest/*.sh "$root/lib/rig/"
  cp "$scenario" "$root/scenario.sh"
  echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' > "$root/etc/passwd"
  echo 'root:x:0:
nogroup:x:65534:' > "$root/etc/group"
  for item in $(programs_of "$scenario"); do
    [[ $item == /* ]] || item=$build/$item
    [[ -x $item ]] || { echo "rig: $item is not built" >&2; return 1; }
    put "$item" "$root/programs"
    for file in $(libraries_of "$item"); do put "$file" "$root${file%/*}"; done
  done
  for item in $(asked_for modules "$scenario"); do
    if [[ $item == *.ko ]]; then
      [[ -f $build/$item ]] || { echo "rig: $build/$item is not built" >&2; return 1; }
      put "$build/$item" "$root/modules"
      continue
    fi
    for file in $(module_files "$kernel" "$item"); do
      put "/lib/modules/$kernel/$file" "$root/modules"
      grep -qxF "${file##*/}" "$root/modules/load" 2> /dev/null || echo "${file##*/}" >> "$root/modules/load"
    done
  done
  for item in $(asked_for files "$scenario"); do put "$source_root/$item" "$root/files"; done
}

# Where initramfs are kept: in the build directory, or, when that is another user's, in one's own cache.
cache_directory() {
  local cache=$build/tests/rig
  mkdir -p "$cache" 2> /dev/null
  [[ -w $cache ]] || cache=${XDG_CACHE_HOME:-${TMPDIR:-/tmp}/hobbes-cache-$UID}/hobbes-rig
  mkdir -p "$cache" && echo "$cache"
}

# make_initramfs SCENARIO_FILE KERNEL: prints the archive's name. Made once for each content: two at a time share it.
make_initramfs() {
  local scenario=$1 kernel=$2 name stage_dir key archive cache
  name=$(basename "$scenario" .sh)
  cache=$(cache_directory) || return 1
  stage_dir=$(mktemp -d "$cache/stage.XXXXXX")
  # In a subshell: whatever happens, the directory goes.
  (
    trap 'rm -rf "$stage_dir"' EXIT
    stage "$stage_dir" "$scenario" "$kernel" || exit 1
    cd "$stage_dir" || exit 1
    chmod -R u+rwX,go+rX . && chmod 755 init
    key=$(find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
    archive=$cache/$name-$key.cpio
    if [[ ! -f $archive ]]; then
      find . -print0 | sort -z | cpio --null --create --format=newc --owner=+0:+0 --quiet > "$stage_dir.cpio" || exit 1
      find "$cache" -name "$name-*.cpio" -delete
      mv "$stage_dir.cpio" "$archive"
    fi
    echo "$archive"
  )
}
