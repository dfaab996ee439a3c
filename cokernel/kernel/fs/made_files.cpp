// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/made_files.hpp"

#include "cokernel/kernel/fs/entry_writer.hpp"

namespace hobbes::lwk::fs {

Sysret TextFile::read_at(IoVector& to, uint64_t offset) {
  if (offset >= text_.size()) return 0;
  const uint64_t size = min(to.left(), text_.size() - offset);
  return to.put(text_.bytes() + offset, size) ? static_cast<Sysret>(size) : -EFAULT;
}

Sysret TextFile::status(FileStatus& status) {
  status = status_;
  return 0;
}

ListedDirectory::ListedDirectory(uint32_t flags, const FileStatus& status) : PositionedFile(flags), status_(status) {
  add(".", S_IFDIR, status.inode);
  add("..", S_IFDIR, status.inode);
}

void ListedDirectory::add(const char* name, uint32_t mode, uint64_t inode) {
  const uint8_t type = entry_type(mode);
  entries_.append(&inode, sizeof(inode));
  entries_.append(&type, sizeof(type));
  entries_.append(name, strlen(name) + 1);
}

Sysret ListedDirectory::status(FileStatus& status) {
  status = status_;
  return 0;
}

Sysret ListedDirectory::read_entries(IoVector& to) {
  EntryWriter writer(to);
  Guard guard(position_lock_);
  while (position_ < entries_.size()) {
    const char* at = entries_.bytes() + position_;
    uint64_t inode = 0;
    memcpy(&inode, at, sizeof(inode));
    const auto type = static_cast<uint8_t>(at[sizeof(inode)]);
    const char* name = at + sizeof(inode) + sizeof(type);
    const uint64_t next = position_ + sizeof(inode) + sizeof(type) + strlen(name) + 1;
    if (!writer.add(inode, next, type, name)) return writer.result(true);
    position_ = next;
  }
  return writer.result(false);
}

}  // namespace hobbes::lwk::fs
