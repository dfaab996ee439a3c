// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/bare_root.hpp"

#include "cokernel/kernel/fs/made_files.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t bare_device = 1, root_inode = 1;

void add_mount(const char* path, const char*, void* context) {
  auto& directory = *static_cast<ListedDirectory*>(context);
  if (strchr(path + 1, '/') == nullptr) directory.add(path + 1, S_IFDIR, root_inode);
}

}  // namespace

int BareRoot::status(const Caller&, const char* path, bool, FileStatus& status) {
  if (strcmp(path, "/") != 0) return -ENOENT;
  status = FileStatus();
  status.device = bare_device;
  status.inode = root_inode;
  status.mode = S_IFDIR | 0555;
  return 0;
}

int BareRoot::open(const Caller& caller, const char* path, uint32_t flags, uint32_t, FileRef& file) {
  FileStatus now;
  if (const int error = status(caller, path, true, now); error != 0) return (flags & O_CREAT) != 0 ? -EROFS : error;
  if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0) return -EISDIR;
  auto* directory = new (nothrow) ListedDirectory(flags, now);
  file = FileRef::adopt(directory);
  if (!file) return -ENOMEM;
  for_each_mount(add_mount, directory);
  return directory->failed() ? -ENOMEM : 0;
}

int BareRoot::usage(const Caller&, const char*, LinuxStatfs& usage) {
  usage = {};
  usage.bsize = usage.frsize = page_size;
  usage.namelen = name_limit;
  return 0;
}

}  // namespace hobbes::lwk::fs
