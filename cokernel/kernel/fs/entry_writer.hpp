// SPDX-License-Identifier: Apache-2.0
// EntryWriter: makes getdents64's records.
#pragma once

#include "cokernel/kernel/fs/io_vector.hpp"

namespace hobbes::lwk::fs {

class EntryWriter {
 public:
  explicit EntryWriter(IoVector& to) : to_(to) {}
  /// `next`: the position behind the entry. False: no room, or a bad address; the entry is not there then.
  [[nodiscard]] bool add(uint64_t inode, uint64_t next, uint8_t type, const char* name);
  /// What getdents64 returns; `more`: there were entries left to add.
  [[nodiscard]] Sysret result(bool more) const;

 private:
  IoVector& to_;
  Sysret written_ = 0;
  bool faulted_ = false;
};

}  // namespace hobbes::lwk::fs
