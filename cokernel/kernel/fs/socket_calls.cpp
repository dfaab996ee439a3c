// SPDX-License-Identifier: Apache-2.0
// Sockets: all of them are the host's.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t SOCK_NONBLOCK = O_NONBLOCK, SOCK_CLOEXEC = O_CLOEXEC;
constexpr uint32_t MSG_NOSIGNAL = 0x4000;
constexpr uint64_t address_limit = 128;  // sizeof(struct sockaddr_storage)
constexpr uint64_t option_limit = 512;

/// Linux's struct msghdr.
struct MessageHeader {
  uint64_t name;
  uint32_t name_size, pad;
  uint64_t iovs, iov_count, control, control_size;
  int32_t flags, pad2;
};
static_assert(sizeof(MessageHeader) == 56);

/// How a slot's data is used by these calls.
struct SocketData {
  MessageHeader header;
  uint32_t size;
  uint8_t address[address_limit];
  alignas(8) uint8_t bytes[HostCall::data_size - 512];
};
static_assert(sizeof(SocketData) <= HostCall::data_size);

/// The socket of a descriptor: 0, -EBADF, -ENOTSOCK.
int find_socket(Thread& self, uint64_t fd, FileRef& file, HostFile*& socket) {
  file = file_of(self, fd);
  if (!file || file->path_only()) return -EBADF;
  socket = file->host();
  return socket != nullptr ? 0 : -ENOTSOCK;
}

Sysret wrap(Thread& self, hobbes_hio_channel& channel, int fd, uint32_t type) {
  FileRef file;
  if (const int error = HostFile::wrap(channel, fd, O_RDWR | (type & SOCK_NONBLOCK), file); error != 0) return error;
  char name[32];
  format(name, sizeof(name), "socket:[%d]", static_cast<int64_t>(fd));
  if (const int error = file->set_path(name); error != 0) return error;
  return add_file(self, file, (type & SOCK_CLOEXEC) != 0);
}

struct SocketCall : HostCall {
  explicit SocketCall(HostFile& socket) : HostCall(socket.channel()) {}
  [[nodiscard]] SocketData& room() { return *reinterpret_cast<SocketData*>(data()); }

  /// Copies a socket address in. 0, -EINVAL, -EFAULT.
  [[nodiscard]] int load_address(UserAddr from, uint64_t size) {
    if (size > address_limit) return -EINVAL;
    return copy_in(room().address, from, size) ? 0 : -EFAULT;
  }
  /// Copies an address out, cut to the caller's room, and its whole size. 0 or -EFAULT.
  [[nodiscard]] int store_address(UserAddr to, uint32_t capacity, UserAddr size_to, uint32_t size) {
    if (!copy_out(to, room().address, min<uint64_t>(min(capacity, size), address_limit))) return -EFAULT;
    return write_user(size_to, size) ? 0 : -EFAULT;
  }
};

/// getsockname and getpeername.
Sysret name_of(Thread& self, const Args& args, uint32_t number) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  uint32_t capacity = 0;
  if (!read_user(args[2], capacity)) return -EFAULT;
  if (static_cast<int32_t>(capacity) < 0) return -EINVAL;
  SocketCall call(*socket);
  if (call.error() != 0) return call.error();
  call.room().size = address_limit;
  const Sysret result = call.call(number, socket->fd(), call.room().address, &call.room().size);
  return result < 0 ? result : call.store_address(args[1], capacity, args[2], call.room().size);
}

/// bind and connect.
Sysret give_name(Thread& self, const Args& args, uint32_t number) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  SocketCall call(*socket);
  if (call.error() != 0) return call.error();
  if (const int error = call.load_address(args[1], args[2]); error != 0) return error;
  return call.call(number, socket->fd(), call.room().address, args[2]);
}

Sysret accept(Thread& self, const Args& args, uint32_t type) {
  if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return -EINVAL;
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  uint32_t capacity = 0;
  if (args[1] != 0 && !read_user(args[2], capacity)) return -EFAULT;
  Sysret accepted = 0;
  {
    SocketCall call(*socket);
    if (call.error() != 0) return call.error();
    call.room().size = address_limit;
    accepted = call.call(host_accept4, socket->fd(), call.room().address, &call.room().size, type | SOCK_CLOEXEC);
    if (accepted < 0) return accepted;
    if (args[1] != 0 && call.store_address(args[1], capacity, args[2], call.room().size) != 0) {
      (void)call.call(host_close, accepted);
      return -EFAULT;
    }
  }
  return wrap(self, socket->channel(), static_cast<int>(accepted), type);
}

/// Points the header at the data: at the slot's own bytes if they fit (filled if they are `sent`), else at the
/// application's memory, as far as the slot can name it.
int place_data(SocketCall& call, IoVector& data, bool sent, bool& through_slot) {
  SocketData& room = call.room();
  room.header.iovs = reinterpret_cast<uint64_t>(call.iovs());
  through_slot = data.left() <= sizeof(room.bytes);
  if (through_slot) {
    call.iovs()[0] = {reinterpret_cast<uint64_t>(room.bytes), data.left()};
    room.header.iov_count = 1;
    return !sent || data.take(room.bytes, data.left()) ? 0 : -EFAULT;
  }
  uint32_t count = 0;
  while (count < HOBBES_HIO_IOVS && data.left() > 0) {
    uint64_t size = 0;
    void* memory = data.direct(sent ? port::prot_read : port::prot_write, size);
    if (memory == nullptr) return -EFAULT;
    if (!call.reaches(memory, size)) break;
    call.iovs()[count++] = {reinterpret_cast<uint64_t>(memory), size};
    data.skip(size);
  }
  room.header.iov_count = count;
  return count > 0 ? 0 : -EMSGSIZE;
}

/// A user's message, without control data.
struct Message {
  UserAddr name = 0;
  uint32_t name_size = 0;
};

Sysret send(HostFile& socket, const Message& message, IoVector& data, uint32_t flags) {
  SocketCall call(socket);
  if (call.error() != 0) return call.error();
  SocketData& room = call.room();
  room.header = {};
  if (message.name != 0 && message.name_size > 0) {
    if (const int error = call.load_address(message.name, message.name_size); error != 0) return error;
    room.header.name = reinterpret_cast<uint64_t>(room.address);
    room.header.name_size = message.name_size;
  }
  bool through_slot = false;
  if (const int error = place_data(call, data, true, through_slot); error != 0) return error;
  const Sysret result = call.call(host_sendmsg, socket.fd(), &room.header, flags | MSG_NOSIGNAL);
  if (result == -EPIPE && (flags & MSG_NOSIGNAL) == 0) send_signal(*port::current().process, SIGPIPE);
  return result;
}

/// `name_size` and `out_flags` as recvmsg leaves them.
Sysret receive(HostFile& socket, const Message& message, IoVector& data, uint32_t flags, uint32_t& name_size,
               int32_t& out_flags) {
  SocketCall call(socket);
  if (call.error() != 0) return call.error();
  SocketData& room = call.room();
  room.header = {};
  if (message.name != 0) {
    room.header.name = reinterpret_cast<uint64_t>(room.address);
    room.header.name_size = address_limit;
  }
  bool through_slot = false;
  if (const int error = place_data(call, data, false, through_slot); error != 0) return error;
  const Sysret got = call.call(host_recvmsg, socket.fd(), &room.header, flags);
  if (got < 0) return got;
  // With MSG_TRUNC it may be more than there was room for.
  if (through_slot && !data.put(room.bytes, min(static_cast<uint64_t>(got), data.left()))) return -EFAULT;
  name_size = room.header.name_size;
  out_flags = room.header.flags;
  const uint64_t told = min<uint64_t>(min(name_size, message.name_size), address_limit);
  return message.name == 0 || copy_out(message.name, room.address, told) ? got : -EFAULT;
}

}  // namespace

Sysret sys_socket(Thread& self, const Args& args) {
  App* app = self.process->app;
  if (app == nullptr || app->channel == nullptr) return -EPERM;
  const uint32_t type = to_flags(args[1]);
  Sysret fd = 0;
  {
    HostCall call(*app->channel);
    if (call.error() != 0) return call.error();
    fd = call.call(host_socket, args[0], type | SOCK_CLOEXEC, args[2]);
    if (fd < 0) return fd;
  }
  return wrap(self, *app->channel, static_cast<int>(fd), type);
}

Sysret sys_bind(Thread& self, const Args& args) { return give_name(self, args, host_bind); }
Sysret sys_connect(Thread& self, const Args& args) { return give_name(self, args, host_connect); }
Sysret sys_getsockname(Thread& self, const Args& args) { return name_of(self, args, host_getsockname); }
Sysret sys_getpeername(Thread& self, const Args& args) { return name_of(self, args, host_getpeername); }
Sysret sys_accept(Thread& self, const Args& args) { return accept(self, args, 0); }
Sysret sys_accept4(Thread& self, const Args& args) { return accept(self, args, to_flags(args[3])); }

Sysret sys_listen(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  const int error = find_socket(self, args[0], file, socket);
  return error != 0 ? error : socket->simple(host_listen, args[1]);
}

Sysret sys_shutdown(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  const int error = find_socket(self, args[0], file, socket);
  return error != 0 ? error : socket->simple(host_shutdown, args[1]);
}

Sysret sys_sendto(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  IoVector data(IoVector::User{args[1], args[2]});
  return send(*socket, {args[4], to_flags(args[5])}, data, to_flags(args[3]));
}

Sysret sys_recvfrom(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  Message message{args[4], 0};
  if (message.name != 0 && !read_user(args[5], message.name_size)) return -EFAULT;
  IoVector data(IoVector::User{args[1], args[2]});
  uint32_t name_size = 0;
  int32_t flags = 0;
  const Sysret got = receive(*socket, message, data, to_flags(args[3]), name_size, flags);
  return got < 0 || message.name == 0 || write_user(args[5], name_size) ? got : -EFAULT;
}

Sysret sys_sendmsg(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  MessageHeader header;
  if (!read_user(args[1], header)) return -EFAULT;
  if (header.control != 0 && header.control_size > 0) return -EOPNOTSUPP;  // descriptors have other numbers over there
  IoPieces pieces;
  if (const int error = pieces.load(header.iovs, header.iov_count); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  return send(*socket, {header.name, header.name_size}, data, to_flags(args[2]));
}

Sysret sys_recvmsg(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  MessageHeader header;
  if (!read_user(args[1], header)) return -EFAULT;
  IoPieces pieces;
  if (const int error = pieces.load(header.iovs, header.iov_count); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  const Message message{header.name, header.name_size};
  const Sysret got = receive(*socket, message, data, to_flags(args[2]), header.name_size, header.flags);
  if (got < 0) return got;
  header.control_size = 0;
  return write_user(args[1], header) ? got : -EFAULT;
}

Sysret sys_setsockopt(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  if (args[4] > option_limit) return -EINVAL;
  SocketCall call(*socket);
  if (call.error() != 0) return call.error();
  if (!copy_in(call.room().bytes, args[3], args[4])) return -EFAULT;
  return call.call(host_setsockopt, socket->fd(), args[1], args[2], call.room().bytes, args[4]);
}

Sysret sys_getsockopt(Thread& self, const Args& args) {
  FileRef file;
  HostFile* socket = nullptr;
  if (const int error = find_socket(self, args[0], file, socket); error != 0) return error;
  uint32_t capacity = 0;
  if (!read_user(args[4], capacity)) return -EFAULT;
  if (static_cast<int32_t>(capacity) < 0) return -EINVAL;
  SocketCall call(*socket);
  if (call.error() != 0) return call.error();
  call.room().size = min<uint32_t>(capacity, option_limit);
  const Sysret result =
      call.call(host_getsockopt, socket->fd(), args[1], args[2], call.room().bytes, &call.room().size);
  if (result < 0) return result;
  const uint32_t size = min(call.room().size, capacity);
  return copy_out(args[3], call.room().bytes, size) && write_user(args[4], size) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk::fs
