// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/tmp_file.hpp"

#include "cokernel/kernel/fs/entry_writer.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::fs {

void fill_tmpfs_usage(LinuxStatfs& usage) {
  constexpr int64_t tmpfs_magic = 0x01021994;
  usage = {};
  usage.type = tmpfs_magic;
  usage.bsize = usage.frsize = page_size;
  usage.blocks = page_allocator().total_pages();
  usage.bfree = usage.bavail = page_allocator().free_pages();
  usage.files = usage.blocks;
  usage.ffree = usage.bfree;
  usage.namelen = name_limit;
}

Sysret TmpFile::read_at(IoVector& to, uint64_t offset) { return node_.read(to, offset); }

Sysret TmpFile::write(IoVector& from) {
  Guard guard(position_lock_);
  return node_.write(from, (flags() & O_APPEND) != 0, position_);
}

Sysret TmpFile::write_at(IoVector& from, uint64_t offset) {
  // Linux appends here too (pwrite(2), BUGS).
  return node_.write(from, (flags() & O_APPEND) != 0, offset);
}

Sysret TmpFile::append(IoVector& from, bool at_position) {
  uint64_t nowhere = 0;
  if (!at_position) return node_.write(from, true, nowhere);
  Guard guard(position_lock_);
  return node_.write(from, true, position_);
}

Sysret TmpFile::status(FileStatus& status) {
  node_.fill(status);
  return 0;
}

int TmpFile::reopen(const Caller& caller, uint32_t flags, FileRef& file) {
  const uint32_t access = flags & O_ACCMODE;
  const uint32_t want = (access != O_WRONLY ? access_read : 0u) | (access != O_RDONLY ? access_write : 0u);
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (!node_.allows(caller, want)) return -EACCES;
  if ((flags & O_TRUNC) != 0) {
    Change empty;
    empty.set_size = true;
    if (const int error = node_.change(caller, empty); error != 0) return error;
  }
  file = FileRef::adopt(new (nothrow) TmpFile(node_, flags));
  return file ? file->set_path(path()) : -ENOMEM;
}

Sysret TmpFile::change(const Change& change) {
  return node_.change(Caller::of(*port::current().process), change);
}

Sysret TmpFile::usage(LinuxStatfs& usage) {
  fill_tmpfs_usage(usage);
  return 0;
}

int TmpFile::share(uint64_t offset, uint64_t size, bool writes, bool& may_write, SharedMemory*& memory) {
  if ((seals() & seals_of_writing) != 0) {
    if (writes) return -EPERM;
    may_write = false;
  }
  return node_.share(offset, size, may_write, memory);
}

Sysret TmpFile::reserve(uint32_t mode, uint64_t offset, uint64_t size) { return node_.reserve(mode, offset, size); }

Sysret TmpFile::seals() {
  Guard guard(node_.lock);
  return node_.seals;
}

Sysret TmpFile::add_seals(uint32_t seals) { return writable() ? node_.add_seals(seals) : -EPERM; }

Sysret TmpDirectory::read_entries(IoVector& to) {
  constexpr uint64_t after_self = 1, after_parent = 2;
  EntryWriter writer(to);
  Guard guard(position_lock_);
  Guard tree(system_.tree_);
  constexpr uint8_t directory = entry_type(S_IFDIR);
  if (position_ < after_self) {
    if (!writer.add(node_.inode, after_self, directory, ".")) return writer.result(true);
    position_ = after_self;
  }
  if (position_ < after_parent) {
    const uint64_t parent = node_.parent != nullptr ? node_.parent->inode : node_.inode;
    if (!writer.add(parent, after_parent, directory, "..")) return writer.result(true);
    position_ = after_parent;
  }
  for (const TmpEntry& entry : node_.entries) {
    if (entry.cookie <= position_) continue;
    if (!writer.add(entry.node->inode, entry.cookie, entry_type(entry.node->type), entry.name))
      return writer.result(true);
    position_ = entry.cookie;
  }
  return writer.result(false);
}

}  // namespace hobbes::lwk::fs
