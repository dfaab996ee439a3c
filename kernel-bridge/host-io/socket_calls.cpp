// SPDX-License-Identifier: Apache-2.0
// The handlers of Call for sockets. Addresses, headers, control messages and options are copied; payload is not.
#include <linux/netlink.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "kernel-bridge/host-io/call.hpp"

namespace hobbes::host_io {
namespace {

bool is_unix_path(const sockaddr_storage& address, std::size_t size) {
  return address.ss_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path) &&
         reinterpret_cast<const sockaddr_un&>(address).sun_path[0] != '\0';
}

/// Every descriptor that travels in the message (SCM_RIGHTS).
template <typename Visit>
void for_each_right(msghdr& message, Visit visit) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const auto* end = static_cast<const std::byte*>(message.msg_control) + message.msg_controllen;
    // Linux refuses the whole message then; CMSG_NXTHDR would walk out of it.
    const auto left = static_cast<std::size_t>(end - reinterpret_cast<const std::byte*>(c));
    if (c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > left) return;
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = c->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
      visit(fd);
    }
  }
}

}  // namespace

std::int64_t Call::socket() {
  switch (number(0)) {
    case AF_UNIX: case AF_INET: case AF_INET6: return make_call();
    // What interfaces there are (getifaddrs) is known by asking. What may be changed there is Linux's to say.
    case AF_NETLINK: return number(2) == NETLINK_ROUTE ? make_call() : -EPROTONOSUPPORT;
    default: return -EAFNOSUPPORT;
  }
}

int Call::copy_address(std::uint64_t from, std::uint64_t size, sockaddr_storage& to) {
  if (size > sizeof to) return -EINVAL;
  if (!pins_.copy_in(&to, from, size)) return -EFAULT;
  // A socket's path is looked up by Linux alone, which does not know of our root.
  return environment_.root.confines() && is_unix_path(to, size) ? -EACCES : 0;
}

std::int64_t Call::named() {
  sockaddr_storage name{};
  if (const int refused = copy_address(address(1), address(2), name); refused != 0) return refused;
  pass(1, &name);
  return make_call();
}

std::int64_t Call::receive_name(std::size_t name_arg, std::size_t size_arg) {
  const std::uint64_t name_to = address(name_arg);
  const std::uint64_t size_to = address(size_arg);
  if (name_to == 0) {
    args_[size_arg] = 0;
    return make_call();
  }
  socklen_t room = 0;
  if (!pins_.copy_in(&room, size_to, sizeof room)) return -EFAULT;
  sockaddr_storage name{};
  room = std::min<socklen_t>(room, sizeof name);
  if (!pins_.cover(name_to, room)) return -EFAULT;
  socklen_t size = room;
  pass(name_arg, &name);
  pass(size_arg, &size);
  const std::int64_t result = make_call();
  if (result < 0) return result;
  // Both ranges are pinned: from here on nothing fails, a new descriptor is never lost.
  static_cast<void>(pins_.copy_out(name_to, &name, std::min(room, size)));
  static_cast<void>(pins_.copy_out(size_to, &size, sizeof size));
  return result;
}

std::int64_t Call::name_of() { return receive_name(1, 2); }

std::int64_t Call::receive_from() { return receive_name(4, 5); }

std::int64_t Call::send_to() {
  if (address(4) == 0) return make_call();
  sockaddr_storage name{};
  if (const int refused = copy_address(address(4), address(5), name); refused != 0) return refused;
  pass(4, &name);
  return make_call();
}

int Call::copy_header(msghdr& enclave) {
  if (!pins_.copy_in(&enclave, address(1), sizeof enclave)) return -EFAULT;
  return copy_iovs(reinterpret_cast<std::uintptr_t>(enclave.msg_iov), enclave.msg_iovlen);
}

std::int64_t Call::send_message() {
  msghdr enclave{};
  if (const int refused = copy_header(enclave); refused != 0) return refused;
  const auto name_from = reinterpret_cast<std::uintptr_t>(enclave.msg_name);
  const auto control_from = reinterpret_cast<std::uintptr_t>(enclave.msg_control);

  sockaddr_storage name{};
  msghdr ours{};
  ours.msg_iov = scratch_.iovs.data();
  ours.msg_iovlen = enclave.msg_iovlen;
  if (name_from != 0 && enclave.msg_namelen != 0) {
    if (const int refused = copy_address(name_from, enclave.msg_namelen, name); refused != 0) return refused;
    ours.msg_name = &name;
    ours.msg_namelen = enclave.msg_namelen;
  }
  if (control_from != 0 && enclave.msg_controllen != 0) {
    if (enclave.msg_controllen > scratch_.control.size()) return -ENOBUFS;
    if (!pins_.copy_in(scratch_.control.data(), control_from, enclave.msg_controllen)) return -EFAULT;
    ours.msg_control = scratch_.control.data();
    ours.msg_controllen = enclave.msg_controllen;
  }
  bool all_ours = true;
  for_each_right(ours, [&](int fd) { all_ours = all_ours && environment_.fds.contains(fd); });
  if (!all_ours) return -EBADF;
  pass(1, &ours);
  return make_call();
}

std::int64_t Call::receive_message() {
  const std::uint64_t header_to = address(1);
  msghdr enclave{};
  if (const int refused = copy_header(enclave); refused != 0) return refused;
  const auto name_to = reinterpret_cast<std::uintptr_t>(enclave.msg_name);
  const auto control_to = reinterpret_cast<std::uintptr_t>(enclave.msg_control);

  sockaddr_storage name{};
  msghdr ours{};
  ours.msg_iov = scratch_.iovs.data();
  ours.msg_iovlen = enclave.msg_iovlen;
  if (name_to != 0) {
    ours.msg_name = &name;
    ours.msg_namelen = std::min<socklen_t>(enclave.msg_namelen, sizeof name);
  }
  if (control_to != 0 && enclave.msg_controllen != 0) {
    ours.msg_control = scratch_.control.data();
    ours.msg_controllen = std::min<std::size_t>(enclave.msg_controllen, scratch_.control.size());
  }
  const socklen_t name_room = ours.msg_namelen;
  if (!pins_.cover(name_to, name_room) || !pins_.cover(control_to, ours.msg_controllen)) return -EFAULT;
  pass(1, &ours);
  const std::int64_t result = make_call();
  if (result < 0) return result;

  for_each_right(ours, [&](int fd) { environment_.fds.add(fd); });
  enclave.msg_namelen = ours.msg_namelen;
  enclave.msg_controllen = ours.msg_controllen;
  enclave.msg_flags = ours.msg_flags;
  // All three ranges are pinned: nothing fails, no received descriptor is lost.
  static_cast<void>(pins_.copy_out(name_to, &name, std::min(name_room, ours.msg_namelen)));
  static_cast<void>(pins_.copy_out(control_to, scratch_.control.data(), ours.msg_controllen));
  static_cast<void>(pins_.copy_out(header_to, &enclave, sizeof enclave));
  return result;
}

std::int64_t Call::set_option() {
  if (!socket_option_allowed(number(1), number(2))) return -ENOPROTOOPT;
  if (address(4) > scratch_.option.size()) return -EINVAL;
  if (!pins_.copy_in(scratch_.option.data(), address(3), address(4))) return -EFAULT;
  pass(3, scratch_.option.data());
  return make_call();
}

std::int64_t Call::get_option() {
  if (!socket_option_allowed(number(1), number(2))) return -ENOPROTOOPT;
  const std::uint64_t value_to = address(3);
  const std::uint64_t size_to = address(4);
  socklen_t size = 0;
  if (!pins_.copy_in(&size, size_to, sizeof size)) return -EFAULT;
  size = std::min<socklen_t>(size, static_cast<socklen_t>(scratch_.option.size()));
  pass(3, scratch_.option.data());
  pass(4, &size);
  if (const std::int64_t result = make_call(); result < 0) return result;
  const bool copied = pins_.copy_out(value_to, scratch_.option.data(), size) &&
                      pins_.copy_out(size_to, &size, sizeof size);
  return copied ? 0 : -EFAULT;
}

}  // namespace hobbes::host_io
