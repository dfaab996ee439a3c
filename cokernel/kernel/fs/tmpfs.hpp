// SPDX-License-Identifier: Apache-2.0
// Tmpfs: files in the enclave's memory. They end with the enclave.
#pragma once

#include "cokernel/kernel/fs/tmp_node.hpp"

namespace hobbes::lwk::fs {

class Tmpfs : public FileSystem {
 public:
  /// An empty one, whose root anybody may write to, /tmp-like. Null: out of memory.
  [[nodiscard]] static Tmpfs* create();
  ~Tmpfs() override { root_.drop(); }

  int follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory) override;
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  Sysret read_link(const Caller& caller, const char* path, char* to, uint64_t size) override;
  int change(const Caller& caller, const char* path, bool follow, const Change& change) override;
  int make_directory(const Caller& caller, const char* path, uint32_t mode) override;
  int make_link(const Caller& caller, const char* text, const char* path) override;
  int remove(const Caller& caller, const char* path, bool directory) override;
  int link(const Caller& caller, const char* from, const char* to, bool follow) override;
  int rename(const Caller& caller, const char* from, const char* to, uint32_t flags) override;
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;

  /// A regular file without a name.
  [[nodiscard]] int open_unnamed(const Caller& caller, uint32_t flags, uint32_t mode, uint32_t seals, FileRef& file);

 private:
  friend class TmpDirectory;
  /// Where a path leads: the directory that has, or would have, its last component.
  struct Spot {
    TmpNode* directory = nullptr;  ///< null: the root itself
    TmpEntry* entry = nullptr;
    const char* name = "";
    size_t length = 0;
  };

  explicit Tmpfs(TmpNode& root) : root_(root) {}
  // All below: under tree_.
  [[nodiscard]] int find(const Caller& caller, const char* path, Spot& spot);
  [[nodiscard]] int find_node(const Caller& caller, const char* path, TmpNode*& node);
  [[nodiscard]] int find_free(const Caller& caller, const char* path, Spot& spot);
  [[nodiscard]] int add(TmpNode& directory, const char* name, size_t length, TmpNode& node);
  [[nodiscard]] int make(const Caller& caller, const Spot& spot, uint32_t mode, TmpNode*& node);
  [[nodiscard]] int may_remove(const Caller& caller, const Spot& spot);
  [[nodiscard]] int may_replace(const Caller& caller, const Spot& from, const Spot& to);
  void detach(TmpNode& directory, TmpEntry& entry);
  [[nodiscard]] int exchange(const Spot& from, const Spot& to);

  Mutex tree_;
  TmpNode& root_;
};

}  // namespace hobbes::lwk::fs
