// SPDX-License-Identifier: Apache-2.0
// TextFile and ListedDirectory: read-only files and directories whose contents are made when they are opened.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/text.hpp"

namespace hobbes::lwk::fs {

class TextFile : public PositionedFile {
 public:
  TextFile(uint32_t flags, const FileStatus& status) : PositionedFile(flags), status_(status) {}
  /// Filled by the creator, before anybody reads.
  [[nodiscard]] Text& text() { return text_; }

  Sysret read_at(IoVector& to, uint64_t offset) override;
  Sysret status(FileStatus& status) override;

 private:
  Text text_;
  FileStatus status_;
};

class ListedDirectory : public PositionedFile {
 public:
  /// "." and ".." are there from the start.
  ListedDirectory(uint32_t flags, const FileStatus& status);
  /// Called by the creator, before anybody reads.
  void add(const char* name, uint32_t mode, uint64_t inode);
  [[nodiscard]] bool failed() const { return entries_.failed(); }

  Sysret read(IoVector&) override { return -EISDIR; }
  Sysret read_at(IoVector&, uint64_t) override { return -EISDIR; }
  Sysret status(FileStatus& status) override;
  Sysret read_entries(IoVector& to) override;

 private:
  Text entries_;  ///< inode, type, name with its NUL; one behind the other. The position counts bytes of it.
  FileStatus status_;
};

}  // namespace hobbes::lwk::fs
