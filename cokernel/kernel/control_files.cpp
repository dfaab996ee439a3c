// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/control_files.hpp"

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::lwk {
namespace {

struct OpenFile {
  uint64_t handle = 0;  ///< 0: free
  uint64_t position = 0;
  fs::FileRef file;
};

constexpr uint32_t max_open_files = 64;

// The control task's own: one thread.
OpenFile open_files[max_open_files];
uint64_t next_handle = 1;

OpenFile* find(uint64_t handle) {
  for (OpenFile& file : open_files)
    if (handle != 0 && file.handle == handle) return &file;
  return nullptr;
}

OpenFile* find_free() {
  for (OpenFile& file : open_files)
    if (file.handle == 0) return &file;
  return nullptr;
}

void append_status(const fs::FileStatus& from, Reply& reply) {
  hobbes_file_status status{};
  status.size = from.size;
  status.mtime_ns = static_cast<uint64_t>(from.mtime_ns);
  status.mode = from.mode;
  status.uid = from.uid;
  status.gid = from.gid;
  status.where = HOBBES_FILE_IN_ENCLAVE;
  reply.append(&status, sizeof(status));
}

/// Opens an enclave path. 0 or -errno (-EXDEV: it is the host's).
int open(const char* path, const hobbes_file_open& wanted, fs::FileRef& file) {
  if (path == nullptr || path[0] != '/') return -EINVAL;
  return static_cast<int>(fs::control_open(path, {wanted.uid, wanted.gid}, wanted.flags, wanted.mode, file));
}

/// Only its owner, or root, decides about a file's mode.
int set_mode(fs::File& file, const hobbes_file_open& wanted) {
  fs::FileStatus now;
  if (const Sysret failed = fs::status_of(file, now); failed < 0) return static_cast<int>(failed);
  if (wanted.uid != 0 && wanted.uid != now.uid) return -EPERM;
  fs::Change change;
  change.set_mode = true;
  change.mode = wanted.mode;
  return static_cast<int>(file.change(change));
}

}  // namespace

void open_file(const Request& request, Reply& reply) {
  hobbes_file_open wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  const char* path = request.string_at(sizeof(wanted));
  OpenFile* slot = find_free();
  if (slot == nullptr) return reply.fail(-EMFILE, "files open through the control queue");
  hobbes_file_opened opened{};
  const int error = open(path, wanted, slot->file);
  if (error == -EXDEV) {
    opened.where = HOBBES_FILE_ON_HOST;
    reply.append(&opened, sizeof(opened));
    return reply.append(path, strlen(path) + 1);
  }
  if (error != 0) return reply.fail(error);
  if ((wanted.options & HOBBES_FILE_SET_MODE) != 0) {
    if (const int refused = set_mode(*slot->file, wanted); refused != 0) {
      slot->file = fs::FileRef();
      return reply.fail(refused);
    }
  }
  slot->handle = next_handle++;
  slot->position = 0;
  opened.handle = slot->handle;
  opened.where = HOBBES_FILE_IN_ENCLAVE;
  reply.append(&opened, sizeof(opened));
}

void close_file(const Request& request, Reply& reply) {
  hobbes_file_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  OpenFile* open = find(wanted.handle);
  if (open == nullptr) return reply.fail(-EBADF);
  open->handle = 0;
  open->file = fs::FileRef();
}

void read_file(const Request& request, Reply& reply) {
  hobbes_file_io wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  OpenFile* open = find(wanted.handle);
  if (open == nullptr) return reply.fail(-EBADF);
  const uint64_t length = min(wanted.length, reply.limit());
  const bool at_position = wanted.offset == HOBBES_FILE_AT_POSITION;
  char* to = reply.extend(length);
  if (to == nullptr) return;
  const Sysret got = fs::read_at(*open->file, to, length, at_position ? open->position : wanted.offset);
  if (got < 0) return reply.fail(static_cast<int>(got));
  reply.shrink(length - static_cast<uint64_t>(got));
  if (at_position) open->position += static_cast<uint64_t>(got);
}

void write_file(const Request& request, Reply& reply) {
  hobbes_file_io wanted;
  if (!request.read(wanted) || wanted.length != request.size - sizeof(wanted)) return reply.fail(-EINVAL);
  OpenFile* open = find(wanted.handle);
  if (open == nullptr) return reply.fail(-EBADF);
  const bool at_position = wanted.offset == HOBBES_FILE_AT_POSITION;
  const uint64_t offset = at_position ? open->position : wanted.offset;
  const Sysret put = fs::write_at(*open->file, request.payload + sizeof(wanted), wanted.length, offset);
  if (put < 0) return reply.fail(static_cast<int>(put));
  if (at_position) open->position += static_cast<uint64_t>(put);
  reply.append(&put, sizeof(put));
}

void seek_file(const Request& request, Reply& reply) {
  constexpr uint32_t from_start = 0, from_here = 1, from_end = 2;
  hobbes_file_seek wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  OpenFile* open = find(wanted.handle);
  if (open == nullptr) return reply.fail(-EBADF);
  int64_t base = 0;
  if (wanted.whence == from_here) base = static_cast<int64_t>(open->position);
  if (wanted.whence == from_end) base = fs::file_size(*open->file);
  if (wanted.whence > from_end || (wanted.whence != from_start && base < 0)) return reply.fail(-EINVAL);
  int64_t position = 0;
  if (__builtin_add_overflow(base, wanted.offset, &position) || position < 0) return reply.fail(-EINVAL);
  open->position = static_cast<uint64_t>(position);
  reply.append(&open->position, sizeof(open->position));
}

void stat_file(const Request& request, Reply& reply) {
  const char* path = request.string_at(0);
  fs::FileRef file;
  const int error = open(path, {}, file);
  if (error == -EXDEV) {
    hobbes_file_status status{};
    status.where = HOBBES_FILE_ON_HOST;
    reply.append(&status, sizeof(status));
    return reply.append(path, strlen(path) + 1);
  }
  if (error != 0) return reply.fail(error);
  fs::FileStatus status{};
  if (const Sysret failed = fs::status_of(*file, status); failed < 0) return reply.fail(static_cast<int>(failed));
  append_status(status, reply);
}

void stat_open_file(const Request& request, Reply& reply) {
  hobbes_file_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  OpenFile* open = find(wanted.handle);
  if (open == nullptr) return reply.fail(-EBADF);
  fs::FileStatus status{};
  if (const Sysret failed = fs::status_of(*open->file, status); failed < 0) return reply.fail(static_cast<int>(failed));
  append_status(status, reply);
}

}  // namespace hobbes::lwk
