# SPDX-License-Identifier: Apache-2.0
# Installs what .ci/packages lists; sourced by quickstart and check.

# The listed packages that are not installed, on one line.
missing_packages() {
  local package missing=
  while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=" $package"
  done < .ci/packages
  echo "${missing# }"
}

# install_packages <who>: as root installs what is missing, else says what is.
install_packages() {
  local who=$1 missing
  if ! command -v dpkg-query > /dev/null; then
    echo "$who: this is no Debian: the build will say which of .ci/packages is missing" >&2
    return 0
  fi
  missing=$(missing_packages)
  [[ -z $missing ]] && return 0
  if ((EUID != 0)); then
    echo "$who: please have these packages installed first: apt-get install $missing" >&2
    return 1
  fi
  echo "$who: installing $missing"
  # The rig's kernel is not this machine's: it needs no initramfs, whose making takes minutes.
  export DEBIAN_FRONTEND=noninteractive INITRD=No
  # shellcheck disable=SC2086  # a list of words
  apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing > /dev/null
}
