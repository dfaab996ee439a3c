// SPDX-License-Identifier: Apache-2.0
// What an enclave may not do, however it asks.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "cmdqueue/fd_passing.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/test_proxy.hpp"

namespace hobbes::host_io {
namespace {

namespace fs = std::filesystem;

TEST_CASE("calls that are not in the table do not exist", "[host-io]") {
  TestProxy proxy;
  const auto nr = GENERATE(as<std::uint32_t>{}, SYS_mmap, SYS_execve, SYS_kill, SYS_ptrace, SYS_chdir, SYS_open,
                           SYS_io_uring_setup, SYS_dup2, SYS_exit_group, SYS_close_range, 0xffffU, 0xffffffffU,
                           0x40000000U | SYS_read);
  CHECK(proxy.call(nr) == -ENOSYS);
}

TEST_CASE("mode none reaches the standard descriptors and their duplicates", "[host-io]") {
  TestProxy proxy(Mode::none);
  const UniqueFd foreign(::open("/dev/null", O_RDONLY));
  const std::int64_t record = proxy.client.address(proxy.client.make<struct stat>());
  CHECK(proxy.call(SYS_fstat, 1, record) == 0);
  const std::int64_t copy = proxy.call(SYS_dup, 1);
  REQUIRE(copy >= 0);
  CHECK(proxy.call(SYS_fstat, copy, record) == 0);
  CHECK(proxy.call(SYS_close, copy) == 0);
  CHECK(proxy.call(SYS_fstat, copy, record) == -EBADF);
  CHECK(proxy.call(SYS_fstat, foreign.get(), record) == -EBADF);

  CHECK(proxy.open("/dev/null") == -EPERM);
  CHECK(proxy.call(SYS_newfstatat, AT_FDCWD, proxy.client.text("/"), record, 0) == -EPERM);
  CHECK(proxy.call(SYS_ftruncate, 1, 0) == -EPERM);
  CHECK(proxy.call(SYS_socket, AF_UNIX, SOCK_STREAM, 0) == -EPERM);
}

TEST_CASE("mode files has no sockets", "[host-io]") {
  TestProxy proxy(Mode::files);
  CHECK(proxy.open("/dev/null") >= 0);
  CHECK(proxy.call(SYS_socket, AF_UNIX, SOCK_STREAM, 0) == -EPERM);
}

TEST_CASE("descriptors that are not the application's are not there", "[host-io]") {
  TestProxy proxy;
  const UniqueFd foreign(::open("/dev/zero", O_RDWR));
  const int fd = foreign.get();
  const std::int64_t memory = proxy.client.address(proxy.client.allocate(4096));
  const std::int64_t mine = proxy.open("/dev/null", O_RDWR);
  for (const std::int64_t bad : {static_cast<std::int64_t>(fd), std::int64_t{-1}, std::int64_t{1 << 20},
                                 (std::int64_t{1} << 32) | fd, std::int64_t{INT32_MIN}}) {
    CHECK(proxy.call(SYS_read, bad, memory, 1) == -EBADF);
    CHECK(proxy.call(SYS_close, bad) == -EBADF);
    CHECK(proxy.call(SYS_dup, bad) == -EBADF);
    CHECK(proxy.call(SYS_fcntl, bad, F_DUPFD, 0) == -EBADF);
    CHECK(proxy.call(SYS_copy_file_range, mine, 0, bad, 0, 1, 0) == -EBADF);
    CHECK(proxy.call(SYS_newfstatat, bad, proxy.client.text("x"), memory, 0) == -EBADF);
    CHECK(proxy.call(SYS_newfstatat, bad, proxy.client.text(""), memory, AT_EMPTY_PATH) == -EBADF);
  }
  CHECK(::fcntl(fd, F_GETFD) >= 0);
  CHECK(proxy.call(SYS_newfstatat, fd, proxy.client.text("/dev/null"), memory, 0) == 0);
}

TEST_CASE("pointers out of enclave memory are EFAULT", "[host-io]") {
  TestProxy proxy;
  proxy.tree.write("file", "0123456789");
  const std::int64_t fd = proxy.open(proxy.tree / "file");
  char own[16] = "untouched";
  const auto outside = reinterpret_cast<std::intptr_t>(own);
  const std::int64_t end = HioClient::direct(proxy.client.base(1)) + static_cast<std::int64_t>(HioClient::block_size);
  const std::int64_t inside = end - 8;

  CHECK(proxy.call(SYS_read, fd, outside, 4) == -EFAULT);
  CHECK(proxy.call(SYS_read, fd, inside, 9) == -EFAULT);
  CHECK(proxy.call(SYS_read, fd, inside, -1) == -EFAULT);
  CHECK(proxy.call(SYS_read, fd, inside, 8) == 8);
  CHECK(proxy.call(SYS_fstat, fd, outside) == -EFAULT);
  CHECK(proxy.call(SYS_fstat, fd, inside) == -EFAULT);
  CHECK(proxy.call(SYS_openat, AT_FDCWD, outside, O_RDONLY) == -EFAULT);
  CHECK(proxy.call(SYS_readv, fd, outside, 1) == -EFAULT);
  CHECK(proxy.call(SYS_ioctl, fd, FIONREAD, outside) == -EFAULT);
  CHECK(proxy.call(SYS_poll, outside, 1, 0) == -EFAULT);
  CHECK(proxy.call(SYS_poll, inside, 1 << 30, 0) == -EINVAL);

  auto* iov = proxy.client.make<hobbes_hio_iov>({}, 2);
  iov[0] = {static_cast<std::uint64_t>(inside), 4};
  iov[1] = {static_cast<std::uint64_t>(outside), 4};
  CHECK(proxy.call(SYS_preadv, fd, proxy.client.address(iov), 2, 0) == -EFAULT);
  CHECK(proxy.call(SYS_preadv, fd, proxy.client.address(iov), 1025, 0) == -EINVAL);
  CHECK(proxy.call(SYS_preadv, fd, proxy.client.address(iov), -1, 0) == -EINVAL);
  CHECK(std::string(own) == "untouched");
}

TEST_CASE("an epoll has the application's descriptors and tells into enclave memory", "[host-io]") {
  TestProxy proxy(Mode::none);
  const UniqueFd foreign(::eventfd(1, 0));
  epoll_event own{};
  auto* wanted = proxy.client.make<epoll_event>({.events = EPOLLOUT, .data = {.u64 = 7}});
  auto* told = proxy.client.make<epoll_event>({}, 2);
  auto* at_once = proxy.client.make<timespec>({});
  const std::int64_t event = proxy.client.address(wanted);
  const std::int64_t events = proxy.client.address(told);
  const std::int64_t time = proxy.client.address(at_once);
  const auto outside = reinterpret_cast<std::intptr_t>(&own);
  const std::int64_t epoll = proxy.call(SYS_epoll_create1, EPOLL_CLOEXEC);
  REQUIRE(epoll >= 0);
  CHECK(proxy.call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, foreign.get(), event) == -EBADF);
  CHECK(proxy.call(SYS_epoll_ctl, foreign.get(), EPOLL_CTL_ADD, 1, event) == -EBADF);
  CHECK(proxy.call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, 1, outside) == -EFAULT);
  CHECK(proxy.call(SYS_epoll_pwait2, epoll, outside, 1, time, 0, 0) == -EFAULT);
  CHECK(proxy.call(SYS_epoll_pwait2, epoll, events, INT32_MAX, time, 0, 0) == -EFAULT);
  CHECK(proxy.call(SYS_epoll_pwait2, epoll, events, 0, time, 0, 0) == -EINVAL);
  CHECK(proxy.call(SYS_epoll_pwait2, foreign.get(), events, 1, time, 0, 0) == -EBADF);
  CHECK(proxy.call(SYS_epoll_pwait2, epoll, events, 2, time, 0, 0) == 0);
  CHECK(proxy.call(SYS_inotify_init1, 0) == -EPERM);
}

TEST_CASE("garbage in the channel harms nobody else", "[host-io]") {
  TestProxy proxy;
  hobbes_hio_channel& channel = proxy.client.channel();
  for (std::uint32_t i = 16; i < HOBBES_HIO_SLOTS; ++i) {
    Word(channel.slots[i].state).store(i % 2 == 0 ? std::uint32_t{HOBBES_HIO_RUNNING} : 0xdeadbeefU);
    Word(channel.slots[i].cancel).store(1);
  }
  Word(channel.posted).fetch_sub(1000);
  Word(channel.cancels).fetch_add(77);
  Word(channel.sleepers).store(0xffffffffU);
  channel.slot_count = 0xffffffffU;
  channel.magic = 0;
  for (int i = 0; i < 100; ++i) CHECK(proxy.call(HOBBES_HIO_NOOP) == 0);
}

TEST_CASE("requests that send signals or type for the user are refused", "[host-io]") {
  TestProxy proxy;
  const std::int64_t fd = proxy.open("/dev/null", O_RDWR);
  const std::int64_t memory = proxy.client.address(proxy.client.allocate(64));
  CHECK(proxy.call(SYS_ioctl, fd, TIOCSTI, memory) == -ENOTTY);
  CHECK(proxy.call(SYS_ioctl, fd, FIOASYNC, memory) == -ENOTTY);
  CHECK(proxy.call(SYS_ioctl, fd, FICLONE, 0) == -ENOTTY);
  CHECK(proxy.call(SYS_fcntl, fd, F_SETOWN, ::getpid()) == -EINVAL);
  CHECK(proxy.call(SYS_fcntl, fd, F_SETSIG, 9) == -EINVAL);
  CHECK(proxy.call(SYS_fcntl, fd, F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
  CHECK((proxy.call(SYS_fcntl, fd, F_GETFL) & (O_ASYNC | O_NONBLOCK)) == O_NONBLOCK);
}

struct Confined : TestProxy {
  Confined() : TestProxy(Mode::all, Root::tree) {
    tree.write("secret", "secret");
    tree.write("root/file", "file");
    fs::create_directory(tree.path() / "root/dir");
    fs::create_symlink("../secret", tree.path() / "root/out");
    fs::create_symlink("..", tree.path() / "root/up");
    fs::create_symlink("/file", tree.path() / "root/dir/in");
  }
  std::int64_t text(const std::string& value) { return client.text(value); }
};

TEST_CASE("nodes that are made are FIFOs and sockets, never devices", "[host-io]") {
  TestProxy proxy;
  const auto make = [&](const char* name, mode_t mode) {
    return proxy.call(SYS_mknodat, AT_FDCWD, proxy.client.text(proxy.tree / name), mode, makedev(1, 3));
  };
  CHECK(make("fifo", S_IFIFO | 0600) == 0);
  CHECK(fs::is_fifo(proxy.tree / "fifo"));
  CHECK(make("fifo", S_IFIFO | 0600) == -EEXIST);
  CHECK(make("device", S_IFCHR | 0600) == -EPERM);
  CHECK(make("disk", S_IFBLK | 0600) == -EPERM);
  CHECK(!fs::exists(proxy.tree / "device"));
}

TEST_CASE("attributes are those of files below the root", "[host-io]") {
  TestProxy proxy(Mode::files, TestProxy::Root::tree);
  proxy.tree.write("outside", "");
  proxy.tree.write("root/inside", "");
  const std::int64_t room = proxy.client.address(proxy.client.allocate(64));
  const auto list = [&](const char* path) { return proxy.call(SYS_listxattr, proxy.client.text(path), room, 64); };
  CHECK(list("/inside") >= 0);
  CHECK(list("/outside") == -ENOENT);
  CHECK(list("/../outside") == -ENOENT);
  CHECK(proxy.call(SYS_setxattr, proxy.client.text("/../outside"), proxy.client.text("user.x"), room, 1, 0) == -ENOENT);
  CHECK(proxy.call(SYS_fsetxattr, 1, proxy.client.text("user.x"), room, 1, 0) == -EPERM);
  CHECK(proxy.call(SYS_getxattr, proxy.client.text("/inside"), proxy.client.text("user.x"), 4096, 1) == -EFAULT);
}

TEST_CASE("below a root no path call reaches out", "[host-io]") {
  Confined proxy;
  const std::int64_t cwd = AT_FDCWD;
  const std::int64_t memory = proxy.client.address(proxy.client.allocate(4096));
  const auto path = GENERATE(as<std::string>{}, "/out", "out", "/../secret", "../secret", "/up/secret", "up/../secret",
                             "/dir/../../secret");
  const std::int64_t bad = proxy.text(path);
  const std::int64_t good = proxy.text("/file");
  CHECK(proxy.call(SYS_openat, cwd, bad, O_RDONLY) == -ENOENT);
  CHECK(proxy.call(SYS_newfstatat, cwd, bad, memory, 0) == -ENOENT);
  CHECK(proxy.call(SYS_statx, cwd, bad, 0, STATX_SIZE, memory) == -ENOENT);
  CHECK(proxy.call(SYS_statfs, bad, memory) == -ENOENT);
  CHECK(proxy.call(SYS_faccessat2, cwd, bad, R_OK, 0) == -ENOENT);
  CHECK(proxy.call(SYS_fchmodat, cwd, bad, 0) == -ENOENT);
  CHECK(proxy.call(SYS_fchownat, cwd, bad, ::getuid(), ::getgid(), 0) == -ENOENT);
  CHECK(proxy.call(SYS_utimensat, cwd, bad, 0, 0) == -ENOENT);
  CHECK(proxy.call(SYS_linkat, cwd, bad, cwd, proxy.text("/stolen"), AT_SYMLINK_FOLLOW) == -ENOENT);
  if (!path.ends_with("out")) {  // the link itself is below the root
    CHECK(proxy.call(SYS_unlinkat, cwd, bad, 0) == -ENOENT);
    CHECK(proxy.call(SYS_renameat2, cwd, bad, cwd, proxy.text("/stolen"), 0) == -ENOENT);
    CHECK(proxy.call(SYS_readlinkat, cwd, bad, memory, 100) == -ENOENT);
    CHECK(proxy.call(SYS_renameat2, cwd, good, cwd, proxy.text(path + "-made"), 0) == 0);
    CHECK(proxy.tree.read("root/secret-made") == "file");
  }
  CHECK(proxy.tree.read("secret") == "secret");
  CHECK(proxy.tree.read("root/stolen") == "(none)");
  CHECK_FALSE(fs::exists(proxy.tree.path() / "secret-made"));
}

TEST_CASE("below a root paths work as at the top of a file system", "[host-io]") {
  Confined proxy;
  const std::int64_t cwd = AT_FDCWD;
  auto* found = proxy.client.make<struct stat>();
  auto* text = reinterpret_cast<char*>(proxy.client.allocate(64));
  const std::int64_t record = proxy.client.address(found);
  const std::int64_t buffer = proxy.client.address(text);

  CHECK(proxy.call(SYS_newfstatat, cwd, proxy.text("/dir/in"), record, 0) == 0);
  CHECK(S_ISREG(found->st_mode));
  CHECK(proxy.call(SYS_newfstatat, cwd, proxy.text("/dir/in"), record, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(S_ISLNK(found->st_mode));
  CHECK(proxy.call(SYS_newfstatat, cwd, proxy.text("/up/"), record, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(S_ISDIR(found->st_mode));
  CHECK(proxy.call(SYS_readlinkat, cwd, proxy.text("/out"), buffer, 64) == 9);
  CHECK(std::string(text, 9) == "../secret");
  CHECK(proxy.call(SYS_readlinkat, cwd, proxy.text("/up/"), buffer, 64) == -ENOTDIR);

  CHECK(proxy.call(SYS_mkdirat, cwd, proxy.text("/new/"), 0755) == 0);
  CHECK(proxy.call(SYS_symlinkat, proxy.text("/file"), cwd, proxy.text("new/link")) == 0);
  CHECK(proxy.call(SYS_linkat, cwd, proxy.text("/new/link"), cwd, proxy.text("/hard"), AT_SYMLINK_FOLLOW) == 0);
  CHECK(proxy.tree.read("root/hard") == "file");
  CHECK(proxy.call(SYS_fchmodat, cwd, proxy.text("/new/link"), 0600) == 0);
  CHECK((fs::status(proxy.tree.path() / "root/file").permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(proxy.call(SYS_unlinkat, cwd, proxy.text("/hard/"), 0) == -ENOTDIR);
  CHECK(proxy.call(SYS_unlinkat, cwd, proxy.text("/hard"), 0) == 0);

  const std::int64_t dir = proxy.open("/new", O_RDONLY | O_DIRECTORY);
  REQUIRE(dir >= 0);
  CHECK(proxy.call(SYS_unlinkat, dir, proxy.text("link"), 0) == 0);
  CHECK(proxy.call(SYS_newfstatat, dir, proxy.text("../file"), record, 0) == 0);
  CHECK(proxy.call(SYS_newfstatat, dir, proxy.text(""), record, AT_EMPTY_PATH) == 0);
  CHECK(proxy.call(SYS_newfstatat, cwd, proxy.text(""), record, 0) == -ENOENT);
  CHECK(proxy.call(SYS_newfstatat, cwd, 0, record, 0) == -EFAULT);
  CHECK(proxy.call(SYS_unlinkat, cwd, proxy.text("/new/"), AT_REMOVEDIR) == 0);

  const std::int64_t made = proxy.open("/made", O_WRONLY | O_CREAT | O_LARGEFILE, 0100644);
  CHECK(made >= 0);
  CHECK(proxy.open("/made", O_PATH | O_RDWR | O_NOFOLLOW) >= 0);
}

sockaddr_un* unix_address(TestProxy& proxy, const std::string& name, std::size_t& size) {
  auto* address = proxy.client.make<sockaddr_un>();
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, name.data(), name.size());
  size = offsetof(sockaddr_un, sun_path) + name.size();
  return address;
}

TEST_CASE("a confined socket has no path", "[host-io]") {
  Confined proxy;
  const std::int64_t fd = proxy.call(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  std::size_t size = 0;
  const std::int64_t address = proxy.client.address(unix_address(proxy, "/run/some.sock", size));
  CHECK(proxy.call(SYS_connect, fd, address, size) == -EACCES);
  CHECK(proxy.call(SYS_bind, fd, address, size) == -EACCES);
  CHECK(proxy.call(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT) == -EPROTONOSUPPORT);
  CHECK(proxy.call(SYS_socket, AF_PACKET, SOCK_RAW, 0) == -EAFNOSUPPORT);
  CHECK(proxy.call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, address, 16) == -ENOPROTOOPT);
}

TEST_CASE("sockets carry data, names and descriptors", "[host-io]") {
  TestProxy proxy;
  const std::int64_t server = proxy.call(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  const std::int64_t client = proxy.call(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  std::size_t size = 0;
  const std::int64_t name = proxy.client.address(unix_address(proxy, proxy.tree / "socket", size));
  REQUIRE(proxy.call(SYS_bind, server, name, size) == 0);
  REQUIRE(proxy.call(SYS_listen, server, 1) == 0);
  REQUIRE(proxy.call(SYS_connect, client, name, size) == 0);
  const std::int64_t served = proxy.call(SYS_accept4, server, 0, 0, SOCK_CLOEXEC);
  REQUIRE(served >= 0);

  auto* peer = proxy.client.make<sockaddr_un>();
  auto* peer_size = proxy.client.make<socklen_t>(sizeof(sockaddr_un));
  CHECK(proxy.call(SYS_getpeername, client, proxy.client.address(peer), proxy.client.address(peer_size)) == 0);
  CHECK(std::string(peer->sun_path) == proxy.tree / "socket");

  // A message with one descriptor in it, from client to served.
  auto* payload = reinterpret_cast<char*>(proxy.client.allocate(16));
  auto* iov = proxy.client.make<hobbes_hio_iov>({static_cast<std::uint64_t>(proxy.client.address(payload)), 2});
  auto* control = proxy.client.allocate(CMSG_SPACE(sizeof(int)));
  auto* header = proxy.client.make<msghdr>();
  const auto as_pointer = [&](const void* made) { return reinterpret_cast<void*>(proxy.client.address(made)); };
  header->msg_iov = static_cast<iovec*>(as_pointer(iov));
  header->msg_iovlen = 1;
  header->msg_control = as_pointer(control);
  header->msg_controllen = CMSG_SPACE(sizeof(int));
  auto* rights = reinterpret_cast<cmsghdr*>(control);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const auto send = [&](int fd) {
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    return proxy.call(SYS_sendmsg, client, proxy.client.address(header), 0);
  };
  const UniqueFd foreign(::open("/dev/null", O_RDONLY));
  CHECK(send(foreign.get()) == -EBADF);
  rights->cmsg_len = SIZE_MAX;
  CHECK(send(foreign.get()) == -EINVAL);
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(payload, "hi", 2);
  CHECK(send(static_cast<int>(proxy.open("/dev/zero"))) == 2);

  std::memset(payload, 0, 2);
  std::memset(control, 0, CMSG_SPACE(sizeof(int)));
  CHECK(proxy.call(SYS_recvmsg, served, proxy.client.address(header), 0) == 2);
  CHECK(std::string(payload, 2) == "hi");
  CHECK(header->msg_controllen == CMSG_SPACE(sizeof(int)));
  int received = -1;
  std::memcpy(&received, CMSG_DATA(rights), sizeof received);
  CHECK(proxy.call(SYS_read, received, proxy.client.address(payload), 2) == 2);
  CHECK(std::string(payload, 2) == std::string(2, '\0'));
}

TEST_CASE("datagrams over loopback keep their sender's address", "[host-io]") {
  TestProxy proxy;
  const std::int64_t a = proxy.call(SYS_socket, AF_INET, SOCK_DGRAM, 0);
  const std::int64_t b = proxy.call(SYS_socket, AF_INET, SOCK_DGRAM, 0);
  auto* name = proxy.client.make<sockaddr_in>();
  auto* size = proxy.client.make<socklen_t>(sizeof(sockaddr_in));
  const std::int64_t name_at = proxy.client.address(name);
  const std::int64_t size_at = proxy.client.address(size);
  name->sin_family = AF_INET;
  name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(proxy.call(SYS_bind, a, name_at, *size) == 0);
  REQUIRE(proxy.call(SYS_getsockname, a, name_at, size_at) == 0);
  const in_port_t port = name->sin_port;
  CHECK(port != 0);
  auto* data = reinterpret_cast<char*>(proxy.client.allocate(16));
  std::memcpy(data, "ping", 4);
  const std::int64_t data_at = proxy.client.address(data);
  CHECK(proxy.call(SYS_sendto, b, data_at, 4, 0, name_at, sizeof(sockaddr_in)) == 4);
  *name = {};
  CHECK(proxy.call(SYS_recvfrom, a, data_at, 16, 0, name_at, size_at) == 4);
  CHECK(*size == sizeof(sockaddr_in));
  CHECK(name->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  auto* option = proxy.client.make<int>(1);
  CHECK(proxy.call(SYS_setsockopt, a, SOL_SOCKET, SO_REUSEADDR, proxy.client.address(option), 4) == 0);
  *option = 0;
  *size = sizeof(int);
  CHECK(proxy.call(SYS_getsockopt, a, SOL_SOCKET, SO_REUSEADDR, proxy.client.address(option), size_at) == 0);
  CHECK(*option == 1);
}

TEST_CASE("openat2 leads out of the root no more than any other call", "[host-io]") {
  TestProxy proxy(Mode::files, TestProxy::Root::tree);
  std::filesystem::create_directories(proxy.tree / "root/folder");
  std::filesystem::create_directories(proxy.tree / "root/etc");
  std::filesystem::create_symlink("/etc/passwd", proxy.tree / "root/folder/absolute");
  std::filesystem::create_symlink("../../../etc/passwd", proxy.tree / "root/folder/relative");
  const std::int64_t folder = proxy.open("/folder", O_PATH | O_DIRECTORY);
  REQUIRE(folder >= 0);
  const auto open = [&](std::int64_t at, const char* path, std::uint64_t resolve) {
    const open_how how{.flags = O_RDONLY, .mode = 0, .resolve = resolve};
    return proxy.call(SYS_openat2, at, proxy.client.text(path), proxy.client.address(proxy.client.make(how)), sizeof how);
  };
  const auto resolve = GENERATE(as<std::uint64_t>{}, 0, RESOLVE_IN_ROOT, RESOLVE_NO_XDEV);
  for (const char* path : {"absolute", "relative", "../../etc/passwd", "/../etc/passwd"})
    CHECK(open(folder, path, resolve) == -ENOENT);
  CHECK(open(folder, "absolute", RESOLVE_BENEATH) == -EXDEV);
  CHECK(open(folder, "relative", RESOLVE_NO_SYMLINKS) == -ELOOP);
  // The proxy's own directory lies outside.
  CHECK((open(AT_FDCWD, "/folder", resolve) >= 0) == (resolve != RESOLVE_IN_ROOT));
  CHECK(open(folder, ".", resolve) >= 0);
  CHECK(open(folder, "..", RESOLVE_BENEATH) == -EXDEV);
  CHECK(open(0, "x", RESOLVE_BENEATH) < 0);  // what the launcher opened lies outside
  const open_how how{};
  CHECK(proxy.call(SYS_openat2, folder, proxy.client.text("."), proxy.client.address(proxy.client.make(how)), 8) == -E2BIG);
}

/// Where an enclave takes in what is lent: its end, and the proxy's.
struct LendingLine {
  UniqueFd enclave, proxy;
  LendingLine() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    enclave.reset(ends[0]);
    proxy.reset(ends[1]);
  }
};

TEST_CASE("files whose pages are their data are lent, others not", "[host-io]") {
  const LendingLine line;
  TestProxy proxy(Mode::all, TestProxy::Root::host, std::chrono::microseconds(20), line.proxy.get());
  const std::int64_t file = proxy.open(proxy.tree / "lent", O_CREAT | O_RDWR, S_IRUSR | S_IWUSR);
  REQUIRE(file >= 0);
  CHECK(proxy.call(HOBBES_HIO_LEND, file, 4711) == 0);
  const auto message = cmdqueue::receive_fds(line.enclave.get(), sizeof(hobbes_hosted_lent));
  REQUIRE(message);
  REQUIRE(message->fds.size() == 1);
  CHECK(reinterpret_cast<const hobbes_hosted_lent*>(message->bytes.data())->number == 4711);
  CHECK((::fcntl(message->fds[0].get(), F_GETFL) & O_ACCMODE) == O_RDWR);
  CHECK(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(message->fds[0].get())) == proxy.tree / "lent");

  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open(proxy.tree / "lent", O_RDONLY), 1) == 0);
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open(proxy.tree / "lent", O_WRONLY), 2) == -EACCES);
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open(proxy.tree / "lent", O_PATH), 2) == -EBADF);
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open(proxy.tree / "", O_RDONLY), 2) == -ENODEV);
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open("/dev/zero", O_RDWR), 2) == -ENODEV);
  // What is made as it is read, or is a device's registers in the shape of a file.
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open("/proc/self/maps"), 2) == -ENODEV);
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open("/sys/kernel/uevent_seqnum"), 2) == -ENODEV);
  const UniqueFd foreign(::open("/etc/passwd", O_RDONLY));
  CHECK(proxy.call(HOBBES_HIO_LEND, foreign.get(), 2) == -EBADF);
}

TEST_CASE("an enclave that takes nothing in makes nobody wait", "[host-io]") {
  const LendingLine line;
  TestProxy proxy(Mode::all, TestProxy::Root::host, std::chrono::microseconds(20), line.proxy.get());
  const std::int64_t file = proxy.open(proxy.tree / "lent", O_CREAT | O_RDWR, S_IRUSR | S_IWUSR);
  std::int64_t result = 0;
  for (int i = 0; i < 100'000 && result == 0; ++i) result = proxy.call(HOBBES_HIO_LEND, file, i);
  CHECK(result == -ENFILE);
}

TEST_CASE("nothing is lent where nobody could take it in", "[host-io]") {
  TestProxy proxy;
  CHECK(proxy.call(HOBBES_HIO_LEND, proxy.open("/etc/passwd"), 1) == -ENODEV);
}

}  // namespace
}  // namespace hobbes::host_io
