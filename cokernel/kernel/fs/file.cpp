// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/file.hpp"

#include "cokernel/kernel/fs/epoll.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

File::~File() { release(path_); }

Sysret File::read(IoVector&) { return -EINVAL; }
Sysret File::write(IoVector&) { return -EINVAL; }
Sysret File::read_at(IoVector&, uint64_t) { return -ESPIPE; }
Sysret File::write_at(IoVector&, uint64_t) { return -ESPIPE; }
Sysret File::seek(int64_t, uint32_t) { return -ESPIPE; }
Sysret File::change(const Change& change) { return change.set_size ? -EINVAL : -EPERM; }
Sysret File::read_entries(IoVector&) { return -ENOTDIR; }
Sysret File::control(uint32_t, uint64_t) { return -ENOTTY; }
Sysret File::sync(bool) { return -EINVAL; }
Sysret File::usage(LinuxStatfs&) { return -ENOSYS; }
int File::share(uint64_t, uint64_t, bool, bool&, SharedMemory*&) { return -ENODEV; }
Sysret File::reserve(uint32_t, uint64_t, uint64_t) { return -ENODEV; }
Sysret File::seals() { return -EINVAL; }
Sysret File::add_seals(uint32_t) { return -EINVAL; }
Sysret File::flags_changed(uint32_t) { return 0; }
uint32_t File::poll() { return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM; }

int File::set_path(const char* path) {
  const size_t size = strlen(path) + 1;
  auto* copy = static_cast<char*>(allocate(size));
  if (copy == nullptr) return -ENOMEM;
  memcpy(copy, path, size);
  release(path_);
  path_ = copy;
  return 0;
}

void File::drop() {
  // acq_rel: the last one sees what the others did to the file.
  if (__atomic_sub_fetch(&references_, 1, __ATOMIC_ACQ_REL) > 0) return;
  if (__atomic_load_n(&watched_, __ATOMIC_RELAXED)) end_watches(*this);  // nobody adds one any more
  delete this;
}

Sysret PositionedFile::read(IoVector& to) {
  Guard guard(position_lock_);
  const Sysret got = read_at(to, position_);
  if (got > 0) position_ += static_cast<uint64_t>(got);
  return got;
}

Sysret PositionedFile::write(IoVector& from) {
  Guard guard(position_lock_);
  const Sysret put = write_at(from, position_);
  if (put > 0) position_ += static_cast<uint64_t>(put);
  return put;
}

Sysret File::type() {
  FileStatus now;
  const Sysret error = status(now);
  return error < 0 ? error : static_cast<Sysret>(now.mode & S_IFMT);
}

Sysret File::append(IoVector& from, bool at_position) { return at_position ? write(from) : write_at(from, 0); }

Sysret PositionedFile::seek(int64_t offset, uint32_t whence) {
  if (whence > SEEK_HOLE) return -EINVAL;
  FileStatus now;
  if (whence >= SEEK_END)
    if (const Sysret error = status(now); error < 0) return error;
  Guard guard(position_lock_);
  const auto size = static_cast<int64_t>(now.size);
  int64_t to = offset;
  if (whence == SEEK_CUR && __builtin_add_overflow(static_cast<int64_t>(position_), offset, &to)) return -EOVERFLOW;
  if (whence == SEEK_END && __builtin_add_overflow(size, offset, &to)) return -EOVERFLOW;
  if (whence >= SEEK_DATA) {
    // A file is all data, with one hole behind it.
    if (offset < 0 || offset >= size) return -ENXIO;
    if (whence == SEEK_HOLE) to = size;
  }
  if (to < 0) return -EINVAL;
  position_ = static_cast<uint64_t>(to);
  return to;
}

Sysret PositionedFile::sync(bool) { return 0; }

Sysret read_at(File& file, void* memory, uint64_t size, uint64_t offset) {
  if (!file.readable()) return -EBADF;
  if (offset > static_cast<uint64_t>(largest_file)) return 0;
  IoVector to(memory, size);
  return file.read_at(to, offset);
}

Sysret write_at(File& file, const void* memory, uint64_t size, uint64_t offset) {
  if (!file.writable()) return -EBADF;
  if (offset > static_cast<uint64_t>(largest_file)) return -EFBIG;
  IoVector from(memory, size);
  return file.write_at(from, offset);
}

Sysret status_of(File& file, FileStatus& status) { return file.status(status); }

Sysret file_size(File& file) {
  FileStatus status;
  const Sysret error = file.status(status);
  return error < 0 ? error : static_cast<Sysret>(status.size);
}

int may_map(File& file) {
  if (!file.readable()) return -EACCES;
  const Sysret type = file.type();
  if (type < 0) return static_cast<int>(type);
  return type == S_IFREG ? 0 : -ENODEV;
}

}  // namespace hobbes::lwk::fs
