// SPDX-License-Identifier: Apache-2.0
// read, write and their relatives; copies between files.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t copy_piece = 64 << 10;

enum class Direction { read, write };

/// Where a call's transfer starts: the file's position, or an offset of the call's own.
struct Where {
  bool at_position = true;
  int64_t offset = 0;
};

Sysret transfer(File& file, Direction direction, IoVector& data, const Where& where) {
  if (where.at_position) return direction == Direction::read ? file.read(data) : file.write(data);
  if (where.offset < 0) return -EINVAL;
  const auto offset = static_cast<uint64_t>(where.offset);
  return direction == Direction::read ? file.read_at(data, offset) : file.write_at(data, offset);
}

bool is_open_for(const FileRef& file, Direction direction) {
  return file && (direction == Direction::read ? file->readable() : file->writable());
}

Sysret one_piece(Thread& self, const Args& args, Direction direction, const Where& where) {
  const FileRef file = file_of(self, args[0]);
  if (!is_open_for(file, direction)) return -EBADF;
  if (static_cast<int64_t>(args[2]) < 0) return -EINVAL;
  if (args[2] > 0 && !is_user_range(args[1], args[2])) return -EFAULT;
  IoVector data(IoVector::User{args[1], args[2]});
  return transfer(*file, direction, data, where);
}

Sysret many_pieces(Thread& self, const Args& args, Direction direction, const Where& where) {
  const FileRef file = file_of(self, args[0]);
  if (!is_open_for(file, direction)) return -EBADF;
  IoPieces pieces;
  if (const int error = pieces.load(args[1], args[2]); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  return transfer(*file, direction, data, where);
}

Where own_offset(uint64_t argument) { return {false, static_cast<int64_t>(argument)}; }

/// A file of the enclave's. RWF_HIPRI is a hint, RWF_DSYNC, RWF_SYNC and RWF_APPEND are about what is written.
Sysret transfer_here(File& file, Direction direction, IoVector& data, const Where& where, uint32_t flags) {
  if ((flags & RWF_NOWAIT) != 0 && !file.never_waits()) return -EOPNOTSUPP;
  if (direction == Direction::read) return transfer(file, direction, data, where);
  if (!where.at_position && where.offset < 0) return -EINVAL;
  const Sysret done = (flags & RWF_APPEND) != 0 ? file.append(data, where.at_position)
                                                : transfer(file, direction, data, where);
  if (done <= 0 || (flags & (RWF_DSYNC | RWF_SYNC)) == 0) return done;
  const Sysret synced = file.sync((flags & RWF_SYNC) == 0);
  return synced == 0 || synced == -EINVAL ? done : synced;  // pipes and sockets have nothing to sync
}

/// preadv2's: an offset of -1 is the position.
Sysret many_pieces_with_flags(Thread& self, const Args& args, Direction direction) {
  const Where where = static_cast<int64_t>(args[3]) == -1 ? Where() : own_offset(args[3]);
  if (args[5] == 0) return many_pieces(self, args, direction, where);
  const FileRef file = file_of(self, args[0]);
  if (!is_open_for(file, direction)) return -EBADF;
  IoPieces pieces;
  if (const int error = pieces.load(args[1], args[2]); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  if ((args[5] & ~static_cast<uint64_t>(known_transfer_flags)) != 0) return -EOPNOTSUPP;
  if (HostFile* host = file->host())
    return host->transfer_with_flags(data, direction == Direction::write, static_cast<int64_t>(args[3]), to_flags(args[5]));
  return transfer_here(*file, direction, data, where, to_flags(args[5]));
}

/// One side of a copy between files: moves its own offset or the file's position.
struct CopySide {
  FileRef file;
  UserAddr offset_address = 0;
  Where where;

  [[nodiscard]] int load(Thread& self, uint64_t fd, UserAddr offset, Direction direction) {
    file = file_of(self, fd);
    if (!is_open_for(file, direction)) return -EBADF;
    offset_address = offset;
    where.at_position = offset == 0;
    if (offset != 0 && !read_user(offset, where.offset)) return -EFAULT;
    return where.offset < 0 ? -EINVAL : 0;
  }
  [[nodiscard]] int store() const {
    return offset_address == 0 || write_user(offset_address, where.offset) ? 0 : -EFAULT;
  }
};

/// Writes all of `size` bytes if the file takes them; how much it took, or -errno if that is nothing.
Sysret write_piece(CopySide& to, const char* bytes, uint64_t size) {
  Sysret total = 0;
  while (static_cast<uint64_t>(total) < size) {
    IoVector data(bytes + total, size - static_cast<uint64_t>(total));
    const Sysret put = transfer(*to.file, Direction::write, data, to.where);
    if (put < 0) return total > 0 ? total : put;
    if (put == 0) break;
    to.where.offset += put;
    total += put;
  }
  return total;
}

Sysret copy(CopySide& from, CopySide& to, uint64_t count) {
  Buffer buffer(copy_piece);
  if (!buffer) return -ENOMEM;
  Sysret total = 0;
  while (count > 0) {
    IoVector data(buffer.data(), min(count, copy_piece));
    const Sysret got = transfer(*from.file, Direction::read, data, from.where);
    if (got <= 0) return total > 0 ? total : got;
    const Sysret put = write_piece(to, buffer.data(), static_cast<uint64_t>(got));
    const Sysret used = put > 0 ? put : 0;
    if (used < got && from.where.at_position) (void)from.file->seek(used - got, SEEK_CUR);  // not taken: read it again
    from.where.offset += used;
    total += used;
    if (put < 0) return total > 0 ? total : put;
    if (used < got) return total;
    count -= static_cast<uint64_t>(got);
  }
  return total;
}

Sysret finish_copy(const CopySide& from, const CopySide& to, Sysret result) {
  if (result < 0) return result;
  if (const int error = from.store(); error != 0) return error;
  const int error = to.store();
  return error != 0 ? error : result;
}

int file_type(const FileRef& file, uint32_t& mode) {
  FileStatus status;
  if (const Sysret error = file->status(status); error < 0) return static_cast<int>(error);
  mode = status.mode;
  return 0;
}

}  // namespace

Sysret sys_read(Thread& self, const Args& args) { return one_piece(self, args, Direction::read, {}); }
Sysret sys_write(Thread& self, const Args& args) { return one_piece(self, args, Direction::write, {}); }
Sysret sys_pread64(Thread& self, const Args& args) {
  return one_piece(self, args, Direction::read, own_offset(args[3]));
}
Sysret sys_pwrite64(Thread& self, const Args& args) {
  return one_piece(self, args, Direction::write, own_offset(args[3]));
}
Sysret sys_readv(Thread& self, const Args& args) { return many_pieces(self, args, Direction::read, {}); }
Sysret sys_writev(Thread& self, const Args& args) { return many_pieces(self, args, Direction::write, {}); }
Sysret sys_preadv(Thread& self, const Args& args) {
  return many_pieces(self, args, Direction::read, own_offset(args[3]));
}
Sysret sys_pwritev(Thread& self, const Args& args) {
  return many_pieces(self, args, Direction::write, own_offset(args[3]));
}
Sysret sys_preadv2(Thread& self, const Args& args) { return many_pieces_with_flags(self, args, Direction::read); }
Sysret sys_pwritev2(Thread& self, const Args& args) { return many_pieces_with_flags(self, args, Direction::write); }

Sysret sys_lseek(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  return file->seek(static_cast<int64_t>(args[1]), to_flags(args[2]));
}

Sysret sys_sendfile(Thread& self, const Args& args) {
  CopySide from, to;
  if (const int error = from.load(self, args[1], args[2], Direction::read); error != 0) return error;
  if (const int error = to.load(self, args[0], 0, Direction::write); error != 0) return error;
  uint32_t mode = 0;
  if (const int error = file_type(from.file, mode); error != 0) return error;
  if ((mode & S_IFMT) == S_IFIFO || is_directory(mode)) return -EINVAL;
  return finish_copy(from, to, copy(from, to, min(args[3], largest_transfer)));
}

Sysret sys_copy_file_range(Thread& self, const Args& args) {
  if (args[5] != 0) return -EINVAL;
  CopySide from, to;
  if (const int error = from.load(self, args[0], args[1], Direction::read); error != 0) return error;
  if (const int error = to.load(self, args[2], args[3], Direction::write); error != 0) return error;
  if ((to.file->flags() & O_APPEND) != 0) return -EBADF;
  const FileRef* const files[] = {&from.file, &to.file};
  for (const FileRef* file : files) {
    uint32_t mode = 0;
    if (const int error = file_type(*file, mode); error != 0) return error;
    if (!is_regular(mode)) return is_directory(mode) ? -EISDIR : -EINVAL;
  }
  return finish_copy(from, to, copy(from, to, min(args[4], largest_transfer)));
}

Sysret sys_getdents64(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  const uint64_t size = static_cast<uint32_t>(args[2]);
  if (!is_user_range(args[1], size)) return -EFAULT;
  IoVector to(IoVector::User{args[1], size});
  return file->read_entries(to);
}

}  // namespace hobbes::lwk::fs
