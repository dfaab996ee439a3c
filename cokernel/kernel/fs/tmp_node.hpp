// SPDX-License-Identifier: Apache-2.0
// TmpNode: a file, directory or symbolic link of a tmpfs, and TmpEntry, a name for one.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/file_system.hpp"
#include "cokernel/kernel/fs/page_tree.hpp"
#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/region.hpp"

namespace hobbes::lwk::fs {

struct TmpNode;

struct TmpEntry : ListNode, Immovable {
  TmpNode* node = nullptr;  ///< held
  uint64_t cookie = 0;      ///< its place in the directory: entries are in this order
  size_t length = 0;
  char name[name_limit + 1] = {};
};

struct TmpNode : MemoryOwner {
  TmpNode(uint32_t mode, const Caller& owner);
  ~TmpNode() override;

  // Constant after creation.
  uint64_t inode;
  uint32_t type;  ///< S_IFMT part
  char* target = nullptr;  ///< of a link

  // Under the tree lock of the file system.
  List<TmpEntry> entries;
  uint64_t next_cookie = 3;  ///< 1 and 2 are "." and ".."
  TmpNode* parent = nullptr; ///< of a directory; not held: a directory's parent outlives it or is forgotten with it
  bool removed = false;      ///< a directory without a name: nothing can be made in it

  // Under `lock`.
  Mutex lock;
  uint32_t permissions, uid, gid;
  uint32_t links = 1;
  int64_t atime_ns, mtime_ns, ctime_ns;
  uint64_t size = 0;
  PageTree data;
  uint32_t seals = F_SEAL_SEAL;
  uint64_t mapped_end = 0;  ///< pages up to here may be mapped: they stay where they are while any mapping does

  void hold() { __atomic_add_fetch(&holds_, 1, __ATOMIC_RELAXED); }  // the caller holds it, or has the tree lock
  void drop();

  [[nodiscard]] bool is_directory() const { return type == S_IFDIR; }
  [[nodiscard]] bool allows(const Caller& caller, uint32_t want);
  void fill(FileStatus& status);
  [[nodiscard]] int change(const Caller& caller, const Change& change);
  [[nodiscard]] Sysret read(IoVector& to, uint64_t offset);
  /// `append`: the offset becomes the size first. `offset` moves on.
  [[nodiscard]] Sysret write(IoVector& from, bool append, uint64_t& offset);
  [[nodiscard]] int share(uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory) override;
  void unshare(bool may_write) override;
  /// fallocate.
  [[nodiscard]] Sysret reserve(uint32_t mode, uint64_t offset, uint64_t length);
  [[nodiscard]] Sysret add_seals(uint32_t more);
  void add_link(int count);
  /// The directory's contents have changed.
  void touch();

  /// Under the tree lock.
  [[nodiscard]] TmpEntry* find(const char* name, size_t length);

 private:
  [[nodiscard]] int resize(uint64_t to);
  void zero(uint64_t from, uint64_t to);
  [[nodiscard]] bool is_mapped() const { return __atomic_load_n(&mappings_, __ATOMIC_ACQUIRE) != 0; }
  uint32_t holds_ = 1;
  uint32_t mappings_ = 0, writable_mappings_ = 0;  ///< atomic; rise under lock
};

}  // namespace hobbes::lwk::fs
