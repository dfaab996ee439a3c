// SPDX-License-Identifier: Apache-2.0
// TmpNode: a file, directory or symbolic link of a tmpfs, and TmpEntry, a name for one.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/file_system.hpp"
#include "cokernel/kernel/fs/page_tree.hpp"
#include "cokernel/kernel/list.hpp"

namespace hobbes::lwk::fs {

struct TmpNode;

struct TmpEntry : ListNode, Immovable {
  TmpNode* node = nullptr;  ///< held
  uint64_t cookie = 0;      ///< its place in the directory: entries are in this order
  size_t length = 0;
  char name[name_limit + 1] = {};
};

struct TmpNode : Immovable {
  TmpNode(uint32_t mode, const Caller& owner);
  ~TmpNode();

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

  void hold() { __atomic_add_fetch(&holds_, 1, __ATOMIC_RELAXED); }  // the caller holds it, or has the tree lock
  void drop();

  [[nodiscard]] bool is_directory() const { return type == S_IFDIR; }
  [[nodiscard]] bool allows(const Caller& caller, uint32_t want);
  void fill(FileStatus& status);
  [[nodiscard]] int change(const Caller& caller, const Change& change);
  [[nodiscard]] Sysret read(IoVector& to, uint64_t offset);
  /// `append`: the offset becomes the size first. `offset` moves on.
  [[nodiscard]] Sysret write(IoVector& from, bool append, uint64_t& offset);
  void add_link(int count);
  /// The directory's contents have changed.
  void touch();

  /// Under the tree lock.
  [[nodiscard]] TmpEntry* find(const char* name, size_t length);

 private:
  void resize(uint64_t to);
  uint32_t holds_ = 1;
};

}  // namespace hobbes::lwk::fs
