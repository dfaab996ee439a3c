// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/call_table.hpp"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#include <algorithm>
#include <span>

#include "kernel-bridge/abi/host_io.h"
#include "kernel-bridge/host-io/call.hpp"

namespace hobbes::host_io {
namespace {

constexpr Arg value{};
constexpr Arg fd{.kind = ArgKind::fd};
constexpr Arg at{.kind = ArgKind::at};
constexpr Arg path{.kind = ArgKind::path};
constexpr Arg text{.kind = ArgKind::text};
constexpr Arg buffer{.kind = ArgKind::buffer};
constexpr Arg null{.kind = ArgKind::null};
template <typename T>
constexpr Arg record{.kind = ArgKind::record, .size = sizeof(T)};

// Sorted by nr (checked below), found by binary search.
constexpr CallRow calls[] = {
    {.nr = SYS_read, .name = "read", .args = {fd, buffer}},
    {.nr = SYS_write, .name = "write", .args = {fd, buffer}},
    {.nr = SYS_close, .name = "close", .args = {fd}, .handler = &Call::close},
    {.nr = SYS_fstat, .name = "fstat", .args = {fd, record<struct stat>}},
    {.nr = SYS_poll, .name = "poll", .handler = &Call::poll},
    {.nr = SYS_lseek, .name = "lseek", .args = {fd}},
    {.nr = SYS_ioctl, .name = "ioctl", .args = {fd}, .handler = &Call::ioctl},
    {.nr = SYS_pread64, .name = "pread64", .args = {fd, buffer}},
    {.nr = SYS_pwrite64, .name = "pwrite64", .args = {fd, buffer}},
    {.nr = SYS_readv, .name = "readv", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_writev, .name = "writev", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_dup, .name = "dup", .args = {fd}, .makes_fd = true},
    {.nr = SYS_socket, .name = "socket", .needs = Mode::all, .makes_fd = true, .handler = &Call::socket},
    {.nr = SYS_connect, .name = "connect", .needs = Mode::all, .args = {fd}, .handler = &Call::named},
    {.nr = SYS_sendto, .name = "sendto", .needs = Mode::all, .args = {fd, buffer}, .handler = &Call::send_to},
    {.nr = SYS_recvfrom, .name = "recvfrom", .needs = Mode::all, .args = {fd, buffer}, .handler = &Call::receive_from},
    {.nr = SYS_sendmsg, .name = "sendmsg", .needs = Mode::all, .args = {fd}, .handler = &Call::send_message},
    {.nr = SYS_recvmsg, .name = "recvmsg", .needs = Mode::all, .args = {fd}, .handler = &Call::receive_message},
    {.nr = SYS_shutdown, .name = "shutdown", .needs = Mode::all, .args = {fd}},
    {.nr = SYS_bind, .name = "bind", .needs = Mode::all, .args = {fd}, .handler = &Call::named},
    {.nr = SYS_listen, .name = "listen", .needs = Mode::all, .args = {fd}},
    {.nr = SYS_getsockname, .name = "getsockname", .needs = Mode::all, .args = {fd}, .handler = &Call::name_of},
    {.nr = SYS_getpeername, .name = "getpeername", .needs = Mode::all, .args = {fd}, .handler = &Call::name_of},
    {.nr = SYS_setsockopt, .name = "setsockopt", .needs = Mode::all, .args = {fd}, .handler = &Call::set_option},
    {.nr = SYS_getsockopt, .name = "getsockopt", .needs = Mode::all, .args = {fd}, .handler = &Call::get_option},
    {.nr = SYS_fcntl, .name = "fcntl", .args = {fd}, .handler = &Call::fcntl},
    {.nr = SYS_flock, .name = "flock", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_fsync, .name = "fsync", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_fdatasync, .name = "fdatasync", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_ftruncate, .name = "ftruncate", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_fchmod, .name = "fchmod", .needs = Mode::files, .args = {fd}, .alters = true},
    {.nr = SYS_fchown, .name = "fchown", .needs = Mode::files, .args = {fd}, .alters = true},
    {.nr = SYS_statfs,
     .name = "statfs",
     .needs = Mode::files,
     .args = {path, record<struct statfs>},
     .follow = Follow::always},
    {.nr = SYS_fstatfs, .name = "fstatfs", .needs = Mode::files, .args = {fd, record<struct statfs>}},
    {.nr = SYS_setxattr,
     .name = "setxattr",
     .needs = Mode::files,
     .args = {path, text, buffer},
     .follow = Follow::always},
    {.nr = SYS_fsetxattr, .name = "fsetxattr", .needs = Mode::files, .args = {fd, text, buffer}, .alters = true},
    {.nr = SYS_getxattr,
     .name = "getxattr",
     .needs = Mode::files,
     .args = {path, text, buffer},
     .follow = Follow::always},
    {.nr = SYS_fgetxattr, .name = "fgetxattr", .needs = Mode::files, .args = {fd, text, buffer}},
    {.nr = SYS_listxattr, .name = "listxattr", .needs = Mode::files, .args = {path, buffer}, .follow = Follow::always},
    {.nr = SYS_flistxattr, .name = "flistxattr", .needs = Mode::files, .args = {fd, buffer}},
    {.nr = SYS_removexattr,
     .name = "removexattr",
     .needs = Mode::files,
     .args = {path, text},
     .follow = Follow::always},
    {.nr = SYS_fremovexattr, .name = "fremovexattr", .needs = Mode::files, .args = {fd, text}, .alters = true},
    {.nr = SYS_getdents64, .name = "getdents64", .needs = Mode::files, .args = {fd, buffer}},
    {.nr = SYS_fadvise64, .name = "fadvise64", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_epoll_ctl, .name = "epoll_ctl", .args = {fd, value, fd, record<epoll_event>}},
    {.nr = SYS_inotify_add_watch,
     .name = "inotify_add_watch",
     .needs = Mode::files,
     .args = {fd, path},
     .follow = Follow::always,
     .handler = &Call::watch},
    {.nr = SYS_inotify_rm_watch, .name = "inotify_rm_watch", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_openat,
     .name = "openat",
     .needs = Mode::files,
     .args = {at},
     .makes_fd = true,
     .handler = &Call::open},
    {.nr = SYS_mkdirat, .name = "mkdirat", .needs = Mode::files, .args = {at, path}},
    {.nr = SYS_mknodat, .name = "mknodat", .needs = Mode::files, .args = {at, path}, .handler = &Call::make_node},
    {.nr = SYS_fchownat,
     .name = "fchownat",
     .needs = Mode::files,
     .args = {at, path},
     .follow = Follow::unless_flag,
     .flags_arg = 4,
     .alters = true},
    {.nr = SYS_newfstatat,
     .name = "newfstatat",
     .needs = Mode::files,
     .args = {at, path, record<struct stat>},
     .follow = Follow::unless_flag,
     .flags_arg = 3},
    {.nr = SYS_unlinkat, .name = "unlinkat", .needs = Mode::files, .args = {at, path}},
    {.nr = SYS_linkat,
     .name = "linkat",
     .needs = Mode::files,
     .args = {at, path, at, path},
     .follow = Follow::if_flag,
     .flags_arg = 4,
     .alters = true},
    {.nr = SYS_symlinkat, .name = "symlinkat", .needs = Mode::files, .args = {text, at, path}},
    {.nr = SYS_readlinkat, .name = "readlinkat", .needs = Mode::files, .args = {at, path, buffer}},
    {.nr = SYS_fchmodat,
     .name = "fchmodat",
     .needs = Mode::files,
     .args = {at, path},
     .follow = Follow::always},
    {.nr = SYS_ppoll, .name = "ppoll", .args = {value, value, record<timespec>, null}, .handler = &Call::ppoll},
    {.nr = SYS_utimensat,
     .name = "utimensat",
     .needs = Mode::files,
     .args = {at, path, record<timespec[2]>},
     .follow = Follow::unless_flag,
     .flags_arg = 3,
     .alters = true},
    {.nr = SYS_fallocate, .name = "fallocate", .needs = Mode::files, .args = {fd}},
    {.nr = SYS_accept4,
     .name = "accept4",
     .needs = Mode::all,
     .args = {fd},
     .makes_fd = true,
     .handler = &Call::name_of},
    {.nr = SYS_epoll_create1, .name = "epoll_create1", .makes_fd = true},
    {.nr = SYS_inotify_init1, .name = "inotify_init1", .needs = Mode::files, .makes_fd = true},
    {.nr = SYS_preadv, .name = "preadv", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_pwritev, .name = "pwritev", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_renameat2, .name = "renameat2", .needs = Mode::files, .args = {at, path, at, path}},
    {.nr = SYS_copy_file_range,
     .name = "copy_file_range",
     .needs = Mode::files,
     .args = {fd, record<loff_t>, fd, record<loff_t>}},
    {.nr = SYS_preadv2, .name = "preadv2", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_pwritev2, .name = "pwritev2", .args = {fd}, .handler = &Call::vectored},
    {.nr = SYS_statx,
     .name = "statx",
     .needs = Mode::files,
     .args = {at, path, value, value, record<struct statx>},
     .follow = Follow::unless_flag,
     .flags_arg = 2},
    {.nr = SYS_openat2,
     .name = "openat2",
     .needs = Mode::files,
     .args = {at, value, record<open_how>},
     .makes_fd = true,
     .handler = &Call::open_how_said},
    {.nr = SYS_faccessat2,
     .name = "faccessat2",
     .needs = Mode::files,
     .args = {at, path},
     .follow = Follow::unless_flag,
     .flags_arg = 3},
    {.nr = SYS_epoll_pwait2,
     .name = "epoll_pwait2",
     .args = {fd, value, value, record<timespec>, null},
     .handler = &Call::wait_events},
    {.nr = HOBBES_HIO_LEND, .name = "lend", .args = {fd}, .handler = &Call::lend},
};
static_assert(std::ranges::is_sorted(calls, {}, &CallRow::nr));

// Terminals, pipes, and what sockets tell of interfaces (never what changes them). Never TIOCSTI (types for the user), TIOCSCTTY or FIOASYNC (signals).
constexpr RequestRow ioctls[] = {
    {.request = TCGETS, .arg = record<struct termios>},   {.request = TCSETS, .arg = record<struct termios>},
    {.request = TCSETSW, .arg = record<struct termios>},  {.request = TCSETSF, .arg = record<struct termios>},
    {.request = TCSBRK},                                  {.request = TCXONC},
    {.request = TCFLSH},                                  {.request = TIOCGPGRP, .arg = record<pid_t>},
    {.request = TIOCOUTQ, .arg = record<int>},            {.request = TIOCGWINSZ, .arg = record<std::uint16_t[4]>},
    {.request = FIONREAD, .arg = record<int>},            {.request = FIONBIO, .arg = record<int>},
    {.request = TCSBRKP},                                 {.request = TCGETS2, .arg = record<struct termios2>},
    {.request = TCSETS2, .arg = record<struct termios2>}, {.request = TCSETSW2, .arg = record<struct termios2>},
    {.request = TCSETSF2, .arg = record<struct termios2>},
    {.request = SIOCGIFNAME, .arg = record<struct ifreq>},       {.request = SIOCGIFFLAGS, .arg = record<struct ifreq>},
    {.request = SIOCGIFADDR, .arg = record<struct ifreq>},       {.request = SIOCGIFBRDADDR, .arg = record<struct ifreq>},
    {.request = SIOCGIFNETMASK, .arg = record<struct ifreq>},    {.request = SIOCGIFMTU, .arg = record<struct ifreq>},
    {.request = SIOCGIFHWADDR, .arg = record<struct ifreq>},     {.request = SIOCGIFINDEX, .arg = record<struct ifreq>},
};

// Never F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY: they send signals.
constexpr RequestRow fcntls[] = {
    {.request = F_DUPFD, .makes_fd = true},
    {.request = F_GETFD},
    {.request = F_SETFD},
    {.request = F_GETFL},
    {.request = F_SETFL},
    {.request = F_GETLK, .arg = record<struct flock>},
    {.request = F_SETLK, .arg = record<struct flock>},
    {.request = F_SETLKW, .arg = record<struct flock>},
    {.request = F_OFD_GETLK, .arg = record<struct flock>},
    {.request = F_OFD_SETLK, .arg = record<struct flock>},
    {.request = F_OFD_SETLKW, .arg = record<struct flock>},
    {.request = F_DUPFD_CLOEXEC, .makes_fd = true},
    {.request = F_SETPIPE_SZ},
    {.request = F_GETPIPE_SZ},
    {.request = F_ADD_SEALS},
    {.request = F_GET_SEALS},
};

struct OptionRow {
  int level;
  int name;
};
// Never SO_ATTACH_FILTER and its kin: they hold pointers.
constexpr OptionRow socket_options[] = {
    {SOL_SOCKET, SO_REUSEADDR},      {SOL_SOCKET, SO_TYPE},          {SOL_SOCKET, SO_ERROR},
    {SOL_SOCKET, SO_BROADCAST},      {SOL_SOCKET, SO_SNDBUF},        {SOL_SOCKET, SO_RCVBUF},
    {SOL_SOCKET, SO_KEEPALIVE},      {SOL_SOCKET, SO_OOBINLINE},     {SOL_SOCKET, SO_LINGER},
    {SOL_SOCKET, SO_REUSEPORT},      {SOL_SOCKET, SO_PASSCRED},      {SOL_SOCKET, SO_PEERCRED},
    {SOL_SOCKET, SO_RCVLOWAT},       {SOL_SOCKET, SO_RCVTIMEO},      {SOL_SOCKET, SO_SNDTIMEO},
    {SOL_SOCKET, SO_ACCEPTCONN},     {SOL_SOCKET, SO_PROTOCOL},      {SOL_SOCKET, SO_DOMAIN},
    {SOL_SOCKET, SO_TIMESTAMP},      {SOL_SOCKET, SO_PRIORITY},      {SOL_SOCKET, SO_BINDTODEVICE},
    {IPPROTO_IP, IP_TOS},            {IPPROTO_IP, IP_TTL},           {IPPROTO_IP, IP_RECVERR},
    {IPPROTO_IP, IP_MTU_DISCOVER},   {IPPROTO_IP, IP_PKTINFO},       {IPPROTO_IP, IP_MULTICAST_IF},
    {IPPROTO_IP, IP_MULTICAST_TTL},  {IPPROTO_IP, IP_MULTICAST_LOOP}, {IPPROTO_IP, IP_ADD_MEMBERSHIP},
    {IPPROTO_IP, IP_DROP_MEMBERSHIP}, {IPPROTO_IPV6, IPV6_V6ONLY},   {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {IPPROTO_IPV6, IPV6_RECVERR},    {IPPROTO_IPV6, IPV6_TCLASS},    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {IPPROTO_TCP, TCP_NODELAY},      {IPPROTO_TCP, TCP_MAXSEG},      {IPPROTO_TCP, TCP_CORK},
    {IPPROTO_TCP, TCP_KEEPIDLE},     {IPPROTO_TCP, TCP_KEEPINTVL},   {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_SYNCNT},       {IPPROTO_TCP, TCP_LINGER2},     {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_TCP, TCP_INFO},         {IPPROTO_TCP, TCP_QUICKACK},    {IPPROTO_TCP, TCP_CONGESTION},
    {IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_TCP, TCP_FASTOPEN},
};

const RequestRow* find_request(std::span<const RequestRow> rows, std::uint32_t request) {
  const auto row = std::ranges::find(rows, request, &RequestRow::request);
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

const CallRow* find_call(std::uint32_t nr) {
  const auto* row = std::ranges::lower_bound(calls, nr, {}, &CallRow::nr);
  return row != std::end(calls) && row->nr == nr ? row : nullptr;
}

const RequestRow* find_ioctl(std::uint32_t request) { return find_request(ioctls, request); }
const RequestRow* find_fcntl(std::uint32_t command) { return find_request(fcntls, command); }

bool socket_option_allowed(int level, int name) {
  return std::ranges::any_of(socket_options,
                             [=](const OptionRow& row) { return row.level == level && row.name == name; });
}

}  // namespace hobbes::host_io
