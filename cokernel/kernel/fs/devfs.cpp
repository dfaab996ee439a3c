// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/devfs.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/console.hpp"
#include "cokernel/kernel/fs/made_files.hpp"
#include "cokernel/kernel/fs/path.hpp"
#include "cokernel/kernel/fs/random.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

enum class Device { null, zero, full, random, console, terminal, link, directory };

struct Row {
  const char* name;
  Device device;
  uint32_t number;     ///< Linux's device number: major << 8 | minor
  const char* target;  ///< of a link
};

constexpr Row rows[] = {
    {"null", Device::null, 1 << 8 | 3, nullptr},
    {"zero", Device::zero, 1 << 8 | 5, nullptr},
    {"full", Device::full, 1 << 8 | 7, nullptr},
    {"random", Device::random, 1 << 8 | 8, nullptr},
    {"urandom", Device::random, 1 << 8 | 9, nullptr},
    {"tty", Device::terminal, 5 << 8 | 0, nullptr},
    {"console", Device::console, 5 << 8 | 1, nullptr},
    {"fd", Device::link, 0, "/proc/self/fd"},
    {"stdin", Device::link, 0, "/proc/self/fd/0"},
    {"stdout", Device::link, 0, "/proc/self/fd/1"},
    {"stderr", Device::link, 0, "/proc/self/fd/2"},
    {"shm", Device::directory, 0, nullptr},  // a mount of its own lies over it
};
constexpr uint64_t dev_device = 6, root_inode = 1, first_inode = 2;

const Row* find(const char* path) {
  for (const Row& row : rows)
    if (*path == '/' && strcmp(path + 1, row.name) == 0) return &row;
  return nullptr;
}

uint32_t mode_of(Device device) {
  switch (device) {
    case Device::link: return S_IFLNK | 0777;
    case Device::directory: return S_IFDIR | 0755;
    default: return S_IFCHR | 0666;
  }
}

/// Why there is nothing at `path`.
int missing(const char* path) {
  const char* slash = strchr(path + 1, '/');
  if (slash == nullptr) return -ENOENT;
  char first[16];
  copy_string(first, path, min<size_t>(sizeof(first), static_cast<size_t>(slash - path) + 1));
  return find(first) != nullptr ? -ENOTDIR : -ENOENT;
}

FileStatus row_status(const Row& row) {
  FileStatus status;
  status.device = dev_device;
  status.inode = first_inode + static_cast<uint64_t>(&row - rows);
  status.mode = mode_of(row.device);
  status.special_device = row.number;
  return status;
}

FileStatus root_status() {
  FileStatus status;
  status.device = dev_device;
  status.inode = root_inode;
  status.links = 3;
  status.mode = S_IFDIR | 0755;
  return status;
}

class DeviceFile : public PositionedFile {
 public:
  DeviceFile(const Row& row, uint32_t flags) : PositionedFile(flags), row_(row) {}

  Sysret read_at(IoVector& to, uint64_t) override {
    const uint64_t size = to.left();
    if (row_.device == Device::null) return 0;
    if (row_.device == Device::random) return fill(to);
    return to.put_zeros(size) ? static_cast<Sysret>(size) : -EFAULT;
  }
  Sysret write_at(IoVector& from, uint64_t) override {
    return row_.device == Device::full && from.left() > 0 ? -ENOSPC : static_cast<Sysret>(from.left());
  }
  Sysret seek(int64_t, uint32_t) override { return 0; }
  Sysret sync(bool) override { return -EINVAL; }
  bool can_wait() override { return row_.device == Device::random; }
  Sysret status(FileStatus& status) override {
    status = row_status(row_);
    return 0;
  }
  Sysret change(const Change& change) override { return change.set_size ? -EINVAL : -EPERM; }

 private:
  static Sysret fill(IoVector& to) {
    Sysret done = 0;
    char piece[256];
    while (to.left() > 0) {
      const uint64_t size = min<uint64_t>(to.left(), sizeof(piece));
      fill_random(piece, size);
      if (!to.put(piece, size)) return done > 0 ? done : -EFAULT;
      done += static_cast<Sysret>(size);
    }
    return done;
  }

  const Row& row_;
};

}  // namespace

int Devfs::follow(const Caller&, const char* path, bool last, char* target, size_t& directory) {
  for (const Row& row : rows) {
    if (row.device != Device::link || *path != '/') continue;
    const char* rest = path_below(path + 1, row.name);
    if (rest == nullptr || (*rest == '\0' && !last)) continue;
    directory = 0;
    const size_t length = copy_string(target, row.target, path_limit);
    return copy_string(target + length, rest, path_limit - length) < path_limit - length ? 1 : -ENAMETOOLONG;
  }
  return 0;
}

int Devfs::list(uint32_t flags, FileRef& file) {
  auto* directory = new (nothrow) ListedDirectory(flags, root_status());
  file = FileRef::adopt(directory);
  if (!file) return -ENOMEM;
  for (const Row& row : rows) directory->add(row.name, mode_of(row.device), row_status(row).inode);
  return directory->failed() ? -ENOMEM : 0;
}

int Devfs::open(const Caller& caller, const char* path, uint32_t flags, uint32_t, FileRef& file) {
  if (*path == '\0') return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0 ? -EISDIR : list(flags, file);
  const Row* row = find(path);
  if (row == nullptr) return (flags & O_CREAT) != 0 && missing(path) == -ENOENT ? -EACCES : missing(path);
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  switch (row->device) {
    case Device::console: return open_console(flags, file);
    case Device::terminal:
      return caller.app != nullptr && caller.app->channel != nullptr ? host_.open(caller, "/dev/tty", flags, 0, file)
                                                                     : open_console(flags, file);
    case Device::link: return -ELOOP;
    default: break;
  }
  file = FileRef::adopt(new (nothrow) DeviceFile(*row, flags));
  return file ? 0 : -ENOMEM;
}

int Devfs::status(const Caller&, const char* path, bool, FileStatus& status) {
  if (*path == '\0') {
    status = root_status();
    return 0;
  }
  const Row* row = find(path);
  if (row == nullptr) return missing(path);
  status = row_status(*row);
  return 0;
}

Sysret Devfs::read_link(const Caller&, const char* path, char* to, uint64_t size) {
  const Row* row = find(path);
  if (row == nullptr) return *path == '\0' ? -EINVAL : missing(path);
  if (row->device != Device::link) return -EINVAL;
  const uint64_t length = min<uint64_t>(size, strlen(row->target));
  memcpy(to, row->target, length);
  return static_cast<Sysret>(length);
}

int Devfs::usage(const Caller&, const char*, LinuxStatfs& usage) {
  constexpr int64_t tmpfs_magic = 0x01021994;
  usage = {};
  usage.type = tmpfs_magic;
  usage.bsize = usage.frsize = page_size;
  usage.namelen = name_limit;
  return 0;
}

}  // namespace hobbes::lwk::fs
