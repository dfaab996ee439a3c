// SPDX-License-Identifier: Apache-2.0
// Control data of messages (struct cmsghdr): the program's, the host's, and the open files that travel in them.
#pragma once

#include "cokernel/kernel/fs/socket_support.hpp"

namespace hobbes::lwk::fs {

/// What a program sends along: the files of its SCM_RIGHTS, and everything else as it is.
struct OutgoingControl {
  Rights rights;
  uint8_t rest[control_limit];
  uint64_t rest_size = 0;

  /// 0, -EFAULT, -EINVAL (malformed), -EBADF, -ENOBUFS (more than control_limit), -ENOMEM.
  [[nodiscard]] int load(Thread& self, UserAddr from, uint64_t size);
  /// As the host is to see it: its own descriptors. The size, or -EINVAL: a file that is not one of this host's.
  [[nodiscard]] Sysret write_for_host(const hobbes_hio_channel& channel, uint8_t* to) const;

 private:
  [[nodiscard]] int load_rights(Thread& self, const uint8_t* data, uint64_t size);
};

/// Fills in a program's control buffer.
class IncomingControl : Immovable {
 public:
  IncomingControl(Thread& self, UserAddr to, uint64_t room) : self_(self), to_(to), room_(to != 0 ? room : 0) {}

  /// New descriptors for the files: as many as there is room for. 0 or -EFAULT.
  [[nodiscard]] int add_rights(Rights& rights, bool close_on_exec);
  /// What came from the host, whose descriptors become files here. 0 or -errno.
  [[nodiscard]] int add_from_host(hobbes_hio_channel& channel, const uint8_t* data, uint64_t size, bool close_on_exec);

  [[nodiscard]] uint64_t used() const { return used_; }
  /// MSG_CTRUNC if something was left out.
  [[nodiscard]] uint32_t flags() const { return flag_if(truncated_, MSG_CTRUNC); }

 private:
  [[nodiscard]] int add(uint32_t level, uint32_t type, const void* data, uint64_t size);
  [[nodiscard]] uint64_t left() const { return room_ - used_; }

  Thread& self_;
  UserAddr to_;
  uint64_t room_;
  uint64_t used_ = 0;
  bool truncated_ = false;
};

}  // namespace hobbes::lwk::fs
