// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/control_messages.hpp"

#include "cokernel/kernel/print.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t alignment = 8;
constexpr uint32_t get_flags_command = 3;  // F_GETFL

bool is_rights(const ControlHeader& header) { return header.level == SOL_SOCKET && header.type == SCM_RIGHTS; }
bool is_credentials(const ControlHeader& header) {
  return header.level == SOL_SOCKET && header.type == SCM_CREDENTIALS;
}

/// Calls use(header, data, size) for each message until one returns not 0; a malformed one: -EINVAL.
template <typename Use>
int for_each(const uint8_t* data, uint64_t size, Use use) {
  for (uint64_t at = 0; at + sizeof(ControlHeader) <= size;) {
    ControlHeader header;
    memcpy(&header, data + at, sizeof(header));
    if (header.size < sizeof(header) || header.size > size - at) return -EINVAL;
    const int stop = use(header, data + at + sizeof(header), header.size - sizeof(header));
    if (stop != 0) return stop;
    at += align_up(header.size, alignment);
  }
  return 0;
}

/// A file of ours for a descriptor that the proxy has received. Empty: no memory, or no proxy.
FileRef wrap(hobbes_hio_channel& channel, int fd) {
  Sysret flags = O_RDWR;
  {
    HostCall call(channel, OnSignal::ignore);
    if (call.error() == 0) flags = call.call(host_fcntl, fd, get_flags_command);
  }
  FileRef file;
  if (flags < 0 || HostFile::wrap(channel, fd, static_cast<uint32_t>(flags), file) != 0) return {};
  char name[32];
  format(name, sizeof(name), "host:[%d]", static_cast<int64_t>(fd));
  return file->set_path(name) == 0 ? file : FileRef();
}

}  // namespace

int OutgoingControl::load(Thread& self, UserAddr from, uint64_t size) {
  if (from == 0 || size == 0) return 0;
  uint8_t all[control_limit];
  if (size > sizeof(all)) return -ENOBUFS;
  if (!copy_in(all, from, size)) return -EFAULT;
  return for_each(all, size, [&](const ControlHeader& header, const uint8_t* data, uint64_t data_size) {
    if (is_rights(header)) return load_rights(self, data, data_size);
    if (is_credentials(header)) return 0;  // whoever asks is told the true ones
    memcpy(rest + rest_size, &header, sizeof(header));
    memcpy(rest + rest_size + sizeof(header), data, data_size);
    rest_size = min(rest_size + align_up(header.size, alignment), control_limit);
    return 0;
  });
}

int OutgoingControl::load_rights(Thread& self, const uint8_t* data, uint64_t size) {
  for (; size >= sizeof(int32_t); size -= sizeof(int32_t), data += sizeof(int32_t)) {
    int32_t fd = 0;
    memcpy(&fd, data, sizeof(fd));
    FileRef file = file_of(*self.process, fd);
    if (!file) return -EBADF;
    if (const int error = rights.add(static_cast<FileRef&&>(file)); error != 0) return error;
  }
  return 0;
}

Sysret OutgoingControl::write_for_host(const hobbes_hio_channel& channel, uint8_t* to) const {
  memcpy(to, rest, rest_size);
  if (rights.count() == 0) return static_cast<Sysret>(rest_size);
  const ControlHeader header{sizeof(header) + rights.count() * sizeof(int32_t), SOL_SOCKET, SCM_RIGHTS};
  if (rest_size + align_up(header.size, alignment) > control_limit) return -EINVAL;
  memcpy(to + rest_size, &header, sizeof(header));
  for (uint32_t i = 0; i < rights.count(); ++i) {
    const HostFile* file = rights.at(i)->host();
    if (file == nullptr || &file->channel() != &channel) return -EINVAL;
    const int32_t fd = file->fd();
    memcpy(to + rest_size + sizeof(header) + i * sizeof(fd), &fd, sizeof(fd));
  }
  return static_cast<Sysret>(rest_size + align_up(header.size, alignment));
}

int IncomingControl::add(uint32_t level, uint32_t type, const void* data, uint64_t size) {
  if (left() < sizeof(ControlHeader)) {
    truncated_ = true;
    return 0;
  }
  const uint64_t taken = min(size, left() - sizeof(ControlHeader));
  truncated_ |= taken < size;
  const ControlHeader header{sizeof(header) + taken, level, type};
  if (!write_user(to_ + used_, header) || !copy_out(to_ + used_ + sizeof(header), data, taken)) return -EFAULT;
  used_ = min(used_ + align_up(header.size, alignment), room_);
  return 0;
}

int IncomingControl::add_rights(Rights& rights, bool close_on_exec) {
  if (rights.count() == 0) return 0;
  const uint64_t room = left() >= sizeof(ControlHeader) ? (left() - sizeof(ControlHeader)) / sizeof(int32_t) : 0;
  int32_t fds[Rights::limit];
  uint32_t count = 0;
  while (count < min<uint64_t>(rights.count(), room)) {
    const Sysret fd = add_file(self_, rights.at(count), close_on_exec);
    if (fd < 0) break;
    fds[count++] = static_cast<int32_t>(fd);
  }
  truncated_ |= count < rights.count();
  return count > 0 ? add(SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof(int32_t)) : 0;
}

int IncomingControl::add_from_host(hobbes_hio_channel& channel, const uint8_t* data, uint64_t size,
                                   bool close_on_exec) {
  return for_each(data, size, [&](const ControlHeader& header, const uint8_t* bytes, uint64_t byte_count) {
    if (!is_rights(header)) return add(header.level, header.type, bytes, byte_count);
    Rights rights;
    for (uint64_t at = 0; at + sizeof(int32_t) <= byte_count; at += sizeof(int32_t)) {
      int32_t fd = 0;
      memcpy(&fd, bytes + at, sizeof(fd));
      FileRef file = wrap(channel, fd);
      if (!file || rights.add(static_cast<FileRef&&>(file)) != 0) truncated_ = true;
    }
    return add_rights(rights, close_on_exec);
  });
}

}  // namespace hobbes::lwk::fs
