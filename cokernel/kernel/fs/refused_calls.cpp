// SPDX-License-Identifier: Apache-2.0
// Calls that Linux refuses to whoever is not its administrator: nobody is, in an enclave.
#include "cokernel/kernel/fs/call_support.hpp"

namespace hobbes::lwk::fs {

Sysret sys_chroot(Thread& self, const Args& args) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, static_cast<uint64_t>(AT_FDCWD), args[0], true); error != 0) return error;
  FileStatus status;
  if (const int error = place.system->status(caller, place.path, true, status); error != 0) return error;
  return is_directory(status.mode) ? -EPERM : -ENOTDIR;
}

/// mount, umount2, pivot_root, swapon, swapoff, reboot, sethostname, setdomainname, acct, setns, open_by_handle_at.
Sysret sys_refused(Thread&, const Args&) { return -EPERM; }

/// Handles would outlive what the enclave knows of a file.
Sysret sys_name_to_handle_at(Thread&, const Args&) { return -EOPNOTSUPP; }

}  // namespace hobbes::lwk::fs
