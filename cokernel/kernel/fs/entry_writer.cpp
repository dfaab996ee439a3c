// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/entry_writer.hpp"

#include "cokernel/kernel/fs/file_abi.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

bool EntryWriter::add(uint64_t inode, uint64_t next, uint8_t type, const char* name) {
  char record[sizeof(LinuxDirent) + name_limit + 1 + alignof(uint64_t)] = {};
  const size_t length = strlen(name);
  const auto size = static_cast<uint16_t>(align_up(sizeof(LinuxDirent) + length + 1, alignof(uint64_t)));
  if (size > to_.left()) return false;
  const LinuxDirent header{inode, static_cast<int64_t>(next), size, type};
  memcpy(record, &header, sizeof(header));
  copy_string(record + sizeof(header), name, name_limit + 1);
  faulted_ = !to_.put(record, size);
  if (!faulted_) written_ += size;
  return !faulted_;
}

Sysret EntryWriter::result(bool more) const {
  if (written_ > 0) return written_;
  return faulted_ ? -EFAULT : more ? -EINVAL : 0;
}

}  // namespace hobbes::lwk::fs
