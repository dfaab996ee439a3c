// SPDX-License-Identifier: Apache-2.0
// Sockets: those with a name are the host's, socketpair's are the enclave's own.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/socket_support.hpp"
#include "cokernel/kernel/print.hpp"

namespace hobbes::lwk::fs {
namespace {

Sysret wrap(Thread& self, hobbes_hio_channel& channel, int fd, uint32_t type) {
  FileRef file;
  if (const int error = HostFile::wrap(channel, fd, O_RDWR | (type & SOCK_NONBLOCK), file); error != 0) return error;
  char name[32];
  format(name, sizeof(name), "socket:[%d]", static_cast<int64_t>(fd));
  if (const int error = file->set_path(name); error != 0) return error;
  return add_file(self, file, (type & SOCK_CLOEXEC) != 0);
}

/// Neither end of a socketpair has a name.
Sysret name_of_local(UserAddr to, uint32_t capacity, UserAddr size_to) {
  constexpr auto family = static_cast<uint16_t>(AF_UNIX);
  constexpr uint32_t size = sizeof(family);
  return copy_out(to, &family, min(capacity, size)) && write_user(size_to, size) ? 0 : -EFAULT;
}

/// getsockname and getpeername.
Sysret name_of(Thread& self, const Args& args, uint32_t number) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  uint32_t capacity = 0;
  if (!read_user(args[2], capacity)) return -EFAULT;
  if (static_cast<int32_t>(capacity) < 0) return -EINVAL;
  if (socket.local != nullptr) return name_of_local(args[1], capacity, args[2]);
  SocketCall call(*socket.host);
  if (call.error() != 0) return call.error();
  call.room().size = address_limit;
  const Sysret result = call.call(number, socket.host->fd(), call.room().address, &call.room().size);
  return result < 0 ? result : call.store_address(args[1], capacity, args[2], call.room().size);
}

/// bind and connect.
Sysret give_name(Thread& self, const Args& args, uint32_t number) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  if (socket.local != nullptr) return number == host_connect ? -EISCONN : -EINVAL;
  SocketCall call(*socket.host);
  if (call.error() != 0) return call.error();
  if (const int error = call.load_address(args[1], args[2]); error != 0) return error;
  return call.call(number, socket.host->fd(), call.room().address, args[2]);
}

Sysret accept(Thread& self, const Args& args, uint32_t type) {
  if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return -EINVAL;
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  if (socket.local != nullptr) return -EINVAL;
  uint32_t capacity = 0;
  if (args[1] != 0 && !read_user(args[2], capacity)) return -EFAULT;
  Sysret accepted = 0;
  {
    SocketCall call(*socket.host);
    if (call.error() != 0) return call.error();
    call.room().size = address_limit;
    accepted = call.call(host_accept4, socket.host->fd(), call.room().address, &call.room().size, type | SOCK_CLOEXEC);
    if (accepted < 0) return accepted;
    if (args[1] != 0 && call.store_address(args[1], capacity, args[2], call.room().size) != 0) {
      (void)call.call(host_close, accepted);
      return -EFAULT;
    }
  }
  return wrap(self, socket.host->channel(), static_cast<int>(accepted), type);
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
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  return socket.local != nullptr ? -EINVAL : socket.host->simple(host_listen, args[1]);
}

Sysret sys_shutdown(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  return socket.local != nullptr ? socket.local->shut_down(to_flags(args[1]))
                                 : socket.host->simple(host_shutdown, args[1]);
}

/// Only Unix ones exist, as on Linux.
Sysret sys_socketpair(Thread& self, const Args& args) {
  const uint32_t type = to_flags(args[1]), kind = type & SOCK_TYPE_MASK;
  if ((type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return -EINVAL;
  if (args[0] != AF_UNIX) return args[0] == AF_INET || args[0] == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
  if (args[2] != 0 && args[2] != AF_UNIX) return -EPROTONOSUPPORT;
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET) return -ESOCKTNOSUPPORT;
  FileRef files[2];
  if (const int error = LocalSocket::make_pair(type, files[0], files[1]); error != 0) return error;
  int32_t fds[2] = {-1, -1};
  Sysret error = 0;
  for (int i = 0; i < 2 && error >= 0; ++i) {
    error = add_file(self, files[i], (type & SOCK_CLOEXEC) != 0);
    if (error >= 0) fds[i] = static_cast<int32_t>(error);
  }
  if (error >= 0) error = write_user(args[3], fds) ? 0 : -EFAULT;
  for (int i = 0; i < 2 && error < 0; ++i)
    if (fds[i] >= 0) (void)self.process->files->close(fds[i]);
  return error;
}

Sysret sys_setsockopt(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  if (args[4] > option_limit) return -EINVAL;
  if (socket.local != nullptr) {
    uint8_t value[option_limit];
    if (!copy_in(value, args[3], args[4])) return -EFAULT;
    return to_flags(args[1]) == SOL_SOCKET
               ? socket.local->set_option(to_flags(args[2]), value, static_cast<uint32_t>(args[4]))
               : -EOPNOTSUPP;
  }
  SocketCall call(*socket.host);
  if (call.error() != 0) return call.error();
  if (!copy_in(call.room().bytes, args[3], args[4])) return -EFAULT;
  return call.call(host_setsockopt, socket.host->fd(), args[1], args[2], call.room().bytes, args[4]);
}

Sysret sys_getsockopt(Thread& self, const Args& args) {
  Socket socket;
  if (const int error = socket.find(self, args[0]); error != 0) return error;
  uint32_t capacity = 0;
  if (!read_user(args[4], capacity)) return -EFAULT;
  if (static_cast<int32_t>(capacity) < 0) return -EINVAL;
  if (socket.local != nullptr) {
    uint8_t value[option_limit];
    uint32_t needed = min<uint32_t>(capacity, option_limit);
    if (to_flags(args[1]) != SOL_SOCKET) return -EOPNOTSUPP;
    if (const Sysret error = socket.local->get_option(to_flags(args[2]), value, needed); error < 0) return error;
    return copy_out(args[3], value, needed) && write_user(args[4], needed) ? 0 : -EFAULT;
  }
  SocketCall call(*socket.host);
  if (call.error() != 0) return call.error();
  call.room().size = min<uint32_t>(capacity, option_limit);
  const Sysret result =
      call.call(host_getsockopt, socket.host->fd(), args[1], args[2], call.room().bytes, &call.room().size);
  if (result < 0) return result;
  const uint32_t size = min(call.room().size, capacity);
  return copy_out(args[3], call.room().bytes, size) && write_user(args[4], size) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk::fs
