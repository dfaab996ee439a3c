// SPDX-License-Identifier: Apache-2.0
// TmpFile and TmpDirectory: open files and directories of a tmpfs.
#pragma once

#include "cokernel/kernel/fs/tmpfs.hpp"

namespace hobbes::lwk::fs {

class TmpFile : public PositionedFile {
 public:
  TmpFile(TmpNode& node, uint32_t flags) : PositionedFile(flags), node_(node) { node.hold(); }
  ~TmpFile() override { node_.drop(); }
  Sysret write(IoVector& from) override;
  Sysret read_at(IoVector& to, uint64_t offset) override;
  Sysret write_at(IoVector& from, uint64_t offset) override;
  Sysret append(IoVector& from, bool at_position) override;
  bool never_waits() const override { return true; }
  Sysret status(FileStatus& status) override;
  Sysret change(const Change& change) override;
  Sysret usage(LinuxStatfs& usage) override;
  int share(uint64_t offset, uint64_t size, bool writes, bool& may_write, SharedMemory*& memory) override;
  Sysret reserve(uint32_t mode, uint64_t offset, uint64_t size) override;
  Sysret seals() override;
  Sysret add_seals(uint32_t seals) override;
  bool can_reopen() override { return true; }
  int reopen(const Caller& caller, uint32_t flags, FileRef& file) override;

 protected:
  TmpNode& node_;
};

class TmpDirectory : public TmpFile {
 public:
  TmpDirectory(Tmpfs& system, TmpNode& node, uint32_t flags) : TmpFile(node, flags), system_(system) {}
  Sysret read(IoVector&) override { return -EISDIR; }
  Sysret read_at(IoVector&, uint64_t) override { return -EISDIR; }
  Sysret read_entries(IoVector& to) override;
  bool can_reopen() override { return false; }  // it has a path

 private:
  Tmpfs& system_;
};

/// statfs of every tmpfs: the enclave's memory.
void fill_tmpfs_usage(LinuxStatfs& usage);

}  // namespace hobbes::lwk::fs
