// SPDX-License-Identifier: Apache-2.0
// Messages through sockets: sendto, recvfrom, sendmsg, recvmsg, and several at once.
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/control_messages.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

/// Points the header at the data: at the slot's own bytes if they fit (filled if they are `sent`), else at the
/// application's memory, as far as the slot can name it.
int place_data(SocketCall& call, IoVector& data, bool sent, bool& through_slot) {
  SocketData& room = call.room();
  room.header.iovs = port::host_address(call.iovs());
  through_slot = data.left() <= sizeof(room.bytes);
  if (through_slot) {
    call.iovs()[0] = {port::host_address(room.bytes), data.left()};
    room.header.iov_count = 1;
    return !sent || data.take(room.bytes, data.left()) ? 0 : -EFAULT;
  }
  uint32_t count = 0;
  while (count < HOBBES_HIO_IOVS && data.left() > 0) {
    uint64_t size = 0;
    void* memory = data.direct(sent ? port::prot_read : port::prot_write, size);
    if (memory == nullptr) return -EFAULT;
    if (!call.reaches(memory, size)) break;
    call.iovs()[count++] = {port::host_address(memory), size};
    data.skip(size);
  }
  room.header.iov_count = count;
  return count > 0 ? 0 : -EMSGSIZE;
}

/// What a message has besides its data.
struct Message {
  UserAddr name = 0;
  uint32_t name_size = 0;
  UserAddr control = 0;
  uint64_t control_size = 0;
};
Message message_of(const MessageHeader& header) {
  return {header.name, header.name_size, header.control, header.control_size};
}

Sysret send_to_host(HostFile& socket, const Message& message, const OutgoingControl& control, IoVector& data,
                    uint32_t flags) {
  SocketCall call(socket);
  if (call.error() != 0) return call.error();
  SocketData& room = call.room();
  room.header = {};
  if (message.name != 0 && message.name_size > 0) {
    if (const int error = call.load_address(message.name, message.name_size); error != 0) return error;
    room.header.name = port::host_address(room.address);
    room.header.name_size = message.name_size;
  }
  const Sysret control_size = control.write_for_host(socket.channel(), room.control);
  if (control_size < 0) return control_size;
  room.header.control = control_size > 0 ? port::host_address(room.control) : 0;
  room.header.control_size = static_cast<uint64_t>(control_size);
  bool through_slot = false;
  if (const int error = place_data(call, data, true, through_slot); error != 0) return error;
  const Sysret result = call.call(host_sendmsg, socket.fd(), &room.header, flags | MSG_NOSIGNAL);
  if (result == -EPIPE && (flags & MSG_NOSIGNAL) == 0) send_signal(*port::current().process, SIGPIPE);
  return result;
}

Sysret send(Thread& self, const Socket& socket, const Message& message, IoVector& data, uint32_t flags) {
  Owned<OutgoingControl> control(new (nothrow) OutgoingControl);
  if (!control) return -ENOMEM;
  if (const int error = control->load(self, message.control, message.control_size); error != 0) return error;
  if (socket.local == nullptr) return send_to_host(*socket.host, message, *control, data, flags);
  if (message.name != 0 && message.name_size > 0) return -EISCONN;
  return socket.local->send(data, flags, control->rights);
}

/// What recvmsg tells of a message besides its data.
struct Told {
  uint32_t name_size = 0;
  uint32_t flags = 0;
};

Sysret receive_from_host(HostFile& socket, const Message& message, IoVector& data, uint32_t flags,
                         IncomingControl& control, Told& told) {
  // Received descriptors are the application's own files from the moment they are copied out of the slot.
  Buffer came(control_limit);
  if (!came) return -ENOMEM;
  uint64_t control_size = 0;
  Sysret got = 0;
  {
    SocketCall call(socket);
    if (call.error() != 0) return call.error();
    SocketData& room = call.room();
    room.header = {};
    if (message.name != 0) {
      room.header.name = port::host_address(room.address);
      room.header.name_size = address_limit;
    }
    if (message.control != 0 && message.control_size > 0) {
      room.header.control = port::host_address(room.control);
      room.header.control_size = min(message.control_size, control_limit);
    }
    bool through_slot = false;
    if (const int error = place_data(call, data, false, through_slot); error != 0) return error;
    got = call.call(host_recvmsg, socket.fd(), &room.header, flags | MSG_CMSG_CLOEXEC);
    if (got < 0) return got;
    control_size = min(room.header.control_size, control_limit);
    memcpy(came.data(), room.control, control_size);
    // With MSG_TRUNC it may be more than there was room for.
    if (through_slot && !data.put(room.bytes, min(static_cast<uint64_t>(got), data.left()))) got = -EFAULT;
    told.name_size = room.header.name_size;
    told.flags = room.header.flags & ~MSG_CMSG_CLOEXEC;
    const uint64_t name_size = min<uint64_t>(min(told.name_size, message.name_size), address_limit);
    if (message.name != 0 && !copy_out(message.name, room.address, name_size)) got = -EFAULT;
  }
  const auto* control_data = reinterpret_cast<const uint8_t*>(came.data());
  const int error =
      control.add_from_host(socket.channel(), control_data, control_size, (flags & MSG_CMSG_CLOEXEC) != 0);
  return got >= 0 && error != 0 ? error : got;
}

Sysret receive(const Socket& socket, const Message& message, IoVector& data, uint32_t flags, IncomingControl& control,
               Told& told) {
  if (socket.local == nullptr) return receive_from_host(*socket.host, message, data, flags, control, told);
  Rights rights;
  const Sysret got = socket.local->receive(data, flags, rights, told.flags);
  if (got < 0) return got;
  const int error = control.add_rights(rights, (flags & MSG_CMSG_CLOEXEC) != 0);
  return error != 0 ? error : got;
}

Sysret send_message(Thread& self, const Socket& socket, UserAddr from, uint32_t flags) {
  MessageHeader header;
  if (!read_user(from, header)) return -EFAULT;
  IoPieces pieces;
  if (const int error = pieces.load(header.iovs, header.iov_count); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  return send(self, socket, message_of(header), data, flags);
}

Sysret receive_message(Thread& self, const Socket& socket, UserAddr at, uint32_t flags) {
  MessageHeader header;
  if (!read_user(at, header)) return -EFAULT;
  IoPieces pieces;
  if (const int error = pieces.load(header.iovs, header.iov_count); error != 0) return error;
  IoVector data(pieces.pieces(), pieces.count());
  IncomingControl control(self, header.control, header.control_size);
  Told told;
  const Sysret got = receive(socket, message_of(header), data, flags, control, told);
  if (got < 0) return got;
  header.name_size = told.name_size;
  header.control_size = control.used();
  header.flags = told.flags | control.flags() | (flags & MSG_CMSG_CLOEXEC);
  return write_user(at, header) ? got : -EFAULT;
}

/// Linux's struct mmsghdr.
struct ManyHeader {
  MessageHeader header;
  uint32_t size, pad;
};
static_assert(sizeof(ManyHeader) == 64);
constexpr uint64_t most_messages = 1024;

bool tell_size(UserAddr vector, uint64_t i, Sysret size) {
  const UserAddr at = vector + i * sizeof(ManyHeader) + __builtin_offsetof(ManyHeader, size);
  return write_user(at, static_cast<uint32_t>(size));
}

}  // namespace

Sysret sys_sendto(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  if (args[2] > 0 && !is_user_range(args[1], args[2])) return -EFAULT;
  IoVector data(IoVector::User{args[1], min(args[2], largest_transfer)});
  return send(self, socket, {args[4], to_flags(args[5])}, data, to_flags(args[3]));
}

Sysret sys_recvfrom(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  if (args[2] > 0 && !is_user_range(args[1], args[2])) return -EFAULT;
  Message message{args[4], 0};
  if (message.name != 0 && !read_user(args[5], message.name_size)) return -EFAULT;
  IoVector data(IoVector::User{args[1], min(args[2], largest_transfer)});
  IncomingControl control(self, 0, 0);
  Told told;
  const Sysret got = receive(socket, message, data, to_flags(args[3]), control, told);
  return got < 0 || message.name == 0 || write_user(args[5], told.name_size) ? got : -EFAULT;
}

Sysret sys_sendmsg(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  return send_message(self, socket, args[1], to_flags(args[2]));
}

Sysret sys_recvmsg(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  return receive_message(self, socket, args[1], to_flags(args[2]));
}

Sysret sys_sendmmsg(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  const uint64_t count = min<uint64_t>(to_flags(args[2]), most_messages);
  for (uint64_t i = 0; i < count; ++i) {
    const Sysret sent = send_message(self, socket, args[1] + i * sizeof(ManyHeader), to_flags(args[3]));
    if (sent < 0) return i > 0 ? static_cast<Sysret>(i) : sent;
    if (!tell_size(args[1], i, sent)) return i > 0 ? static_cast<Sysret>(i) : -EFAULT;
  }
  return static_cast<Sysret>(count);
}

Sysret sys_recvmmsg(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  int64_t deadline_ns = never;
  if (args[4] != 0) {
    TimeSpec timeout;
    if (!read_user(args[4], timeout)) return -EFAULT;
    if (!is_valid(timeout)) return -EINVAL;
    deadline_ns = monotonic_ns() + to_ns(timeout);
  }
  uint32_t flags = to_flags(args[3]) & ~MSG_WAITFORONE;
  const uint64_t count = min<uint64_t>(to_flags(args[2]), most_messages);
  for (uint64_t i = 0; i < count; ++i) {
    const Sysret got = receive_message(self, socket, args[1] + i * sizeof(ManyHeader), flags);
    if (got < 0) return i > 0 ? static_cast<Sysret>(i) : got;
    if (!tell_size(args[1], i, got)) return i > 0 ? static_cast<Sysret>(i) : -EFAULT;
    if ((args[3] & MSG_WAITFORONE) != 0) flags |= MSG_DONTWAIT;
    // As Linux: looked at after each message only.
    if (deadline_ns != never && monotonic_ns() >= deadline_ns) return static_cast<Sysret>(i + 1);
  }
  return static_cast<Sysret>(count);
}

}  // namespace hobbes::lwk::fs
