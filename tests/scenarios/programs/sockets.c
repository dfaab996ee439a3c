// SPDX-License-Identifier: Apache-2.0
// Sockets: pairs, Unix and Internet ones; messages, control data with descriptors, options and errnos.
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static ssize_t send_with(int socket, const char* text, const int* fds, int count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct iovec piece = {(void*)text, strlen(text)};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
                           .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
  memset(&control, 0, sizeof control);
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
  return sendmsg(socket, &message, 0);
}

/// How many descriptors came along; `fds` has room for `count`.
static int receive_with(int socket, char* text, size_t size, int* fds, int count, int flags, int* told) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct iovec piece = {text, size};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
                           .msg_controllen = CMSG_LEN((size_t)count * sizeof(int))};
  ssize_t got = recvmsg(socket, &message, flags);
  *told = message.msg_flags;
  if (got < 0) return -1;
  text[got] = '\0';
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return 0;
  size_t bytes = header->cmsg_len - CMSG_LEN(0);
  memcpy(fds, CMSG_DATA(header), bytes);
  return (int)(bytes / sizeof(int));
}

static int ready(int fd) {
  struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  CHECK(poll(&entry, 1, 0) >= 0);
  return entry.revents;
}

static void test_stream_pair(void) {
  int pair[2];
  char text[64];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 && fcntl(pair[0], F_GETFD) == FD_CLOEXEC);
  CHECK(ready(pair[0]) == POLLOUT);
  CHECK(write(pair[0], "one", 3) == 3 && send(pair[0], "two", 3, 0) == 3 && ready(pair[1]) == (POLLIN | POLLOUT));
  int waiting = 0;
  CHECK(ioctl(pair[1], FIONREAD, &waiting) == 0 && waiting == 6);
  CHECK(recv(pair[1], text, 4, MSG_PEEK) == 4 && read(pair[1], text, 64) == 6 && memcmp(text, "onetwo", 6) == 0);
  CHECK_ERRNO(recv(pair[1], text, 1, MSG_DONTWAIT), EAGAIN);
  CHECK_ERRNO(lseek(pair[0], 0, SEEK_SET), ESPIPE);
  CHECK_ERRNO(pread(pair[0], text, 1, 0), ESPIPE);
  struct timeval soon = {0, 10000};
  CHECK(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon) == 0);
  CHECK_ERRNO(recv(pair[1], text, 1, 0), EAGAIN);
  const struct timeval forever = {0, 0};
  CHECK(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever) == 0);
  struct ucred peer;
  socklen_t size = sizeof peer;
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid());
  CHECK(peer.uid == getuid());
  int value = 0;
  size = sizeof value;
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_STREAM);
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &value, &size) == 0 && value == 0);
  struct sockaddr_un name;
  size = sizeof name;
  CHECK(getsockname(pair[0], (struct sockaddr*)&name, &size) == 0 && size == 2 && name.sun_family == AF_UNIX);
  struct stat status;
  CHECK(fstat(pair[0], &status) == 0 && S_ISSOCK(status.st_mode));

  // Larger than what fits at once, to a child that reads it all.
  enum { total = 1 << 20 };
  pid_t child = fork();
  if (child == 0) {
    char* all = malloc(total);
    _exit(recv(pair[1], all, total, MSG_WAITALL) != total || all[total - 1] != 'z');
  }
  char* all = malloc(total);
  memset(all, 'z', total);
  CHECK(send(pair[0], all, total, 0) == total);
  int result = 1;
  CHECK(waitpid(child, &result, 0) == child && result == 0);
  free(all);

  CHECK(shutdown(pair[0], SHUT_WR) == 0 && read(pair[1], text, 1) == 0 && (ready(pair[1]) & POLLRDHUP) != 0);
  CHECK_ERRNO(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK(write(pair[1], "back", 4) == 4 && read(pair[0], text, 64) == 4);
  CHECK_ERRNO(shutdown(pair[0], 3), EINVAL);
  close(pair[1]);
  CHECK(read(pair[0], text, 1) == 0 && (ready(pair[0]) & POLLHUP) != 0);
  close(pair[0]);
}

static volatile sig_atomic_t broken;
static void note_pipe(int signal) { broken = signal; }

static void test_broken_pair(int type, int expected) {
  int pair[2];
  CHECK(socketpair(AF_UNIX, type, 0, pair) == 0);
  broken = 0;
  signal(SIGPIPE, note_pipe);
  close(pair[1]);
  CHECK_ERRNO(send(pair[0], "x", 1, 0), EPIPE);
  CHECK(broken == expected);
  signal(SIGPIPE, SIG_DFL);
  close(pair[0]);
  // Unread bytes are a reset to whoever sent them.
  char byte;
  CHECK(socketpair(AF_UNIX, type, 0, pair) == 0 && write(pair[0], "x", 1) == 1);
  close(pair[1]);
  CHECK_ERRNO(read(pair[0], &byte, 1), ECONNRESET);
  CHECK(read(pair[0], &byte, 1) == 0);
  close(pair[0]);
}

static void test_message_pairs(void) {
  int pair[2];
  char text[64];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  CHECK(send(pair[0], "first", 5, 0) == 5 && send(pair[0], "", 0, 0) == 0 && send(pair[0], "third", 5, 0) == 5);
  CHECK(recv(pair[1], text, 3, MSG_TRUNC) == 5 && recv(pair[1], text, 64, 0) == 0 && recv(pair[1], text, 64, 0) == 5);
  close(pair[1]);
  CHECK_ERRNO(send(pair[0], "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
  close(pair[0]);
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
  CHECK(send(pair[0], "packet", 6, 0) == 6 && recv(pair[1], text, 64, 0) == 6);
  CHECK_ERRNO(recv(pair[1], text, 64, 0), EAGAIN);
  struct mmsghdr many[3];
  struct iovec pieces[3];
  memset(many, 0, sizeof many);
  for (int i = 0; i < 3; ++i) {
    pieces[i] = (struct iovec){text + 8 * i, (size_t)i + 1};
    many[i].msg_hdr.msg_iov = &pieces[i];
    many[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK(sendmmsg(pair[0], many, 3, 0) == 3 && many[2].msg_len == 3);
  for (int i = 0; i < 3; ++i) pieces[i].iov_len = 8;
  CHECK(recvmmsg(pair[1], many, 3, MSG_DONTWAIT, NULL) == 3 && many[0].msg_len == 1 && many[2].msg_len == 3);
  close(pair[0]), close(pair[1]);
  test_broken_pair(SOCK_STREAM, SIGPIPE);
  test_broken_pair(SOCK_SEQPACKET, 0);
  CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
  CHECK_ERRNO(socketpair(AF_UNIX, 77, 0, pair), EINVAL);
  CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 6, pair), EPROTONOSUPPORT);
  CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
}

/// A pair of sockets hands descriptors over: files, and pipes where both ends belong to one kernel.
static void pass_descriptors(const int* pair, int with_pipe) {
  int file = open("/etc/passwd", O_RDONLY), ends[2], got[4], told = 0;
  char text[64], byte;
  CHECK(pipe(ends) == 0);
  const int sent[2] = {file, with_pipe ? ends[0] : file};
  CHECK(send_with(pair[0], "take", sent, 2) == 4);
  CHECK(receive_with(pair[1], text, 63, got, 4, MSG_CMSG_CLOEXEC, &told) == 2 && strcmp(text, "take") == 0);
  CHECK((told & MSG_CTRUNC) == 0 && got[0] != file && fcntl(got[0], F_GETFD) == FD_CLOEXEC);
  CHECK(pread(got[0], &byte, 1, 0) == 1);
  CHECK((fcntl(got[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
  if (with_pipe) CHECK(write(ends[1], "p", 1) == 1 && read(got[1], &byte, 1) == 1 && byte == 'p');
  close(got[0]), close(got[1]);
  CHECK(send_with(pair[0], "two", sent, 2) == 3);
  CHECK(receive_with(pair[1], text, 63, got, 1, 0, &told) == 1 && (told & MSG_CTRUNC) != 0);
  CHECK(fcntl(got[0], F_GETFD) == 0);
  close(got[0]);
  const int bad = 999;
  CHECK_ERRNO(send_with(pair[0], "x", &bad, 1), EBADF);
  close(file), close(ends[0]), close(ends[1]);
}

static void test_descriptors(void) {
  int pair[2], got[4], told = 0;
  char text[64];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  pass_descriptors(pair, 1);
  // What comes after does not run into a message with descriptors.
  CHECK(write(pair[0], "ab", 2) == 2 && send_with(pair[0], "cd", pair, 1) == 2 && write(pair[0], "ef", 2) == 2);
  CHECK(receive_with(pair[1], text, 63, got, 4, 0, &told) == 1 && strcmp(text, "abcd") == 0);
  CHECK(receive_with(pair[1], text, 63, got, 4, 0, &told) == 0 && strcmp(text, "ef") == 0);
  close(got[0]);
  close(pair[0]), close(pair[1]);
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  pass_descriptors(pair, 1);
  close(pair[0]), close(pair[1]);
}

static void test_unix(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "/tmp/sockets-%d", (int)getpid());
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERRNO(connect(client, (struct sockaddr*)&name, sizeof name), ENOENT);
  CHECK(bind(listener, (struct sockaddr*)&name, sizeof name) == 0 && listen(listener, 4) == 0);
  CHECK(connect(client, (struct sockaddr*)&name, sizeof name) == 0);
  int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  CHECK(server >= 0 && fcntl(server, F_GETFD) == FD_CLOEXEC);
  pass_descriptors((const int[]){client, server}, 0);
  struct stat status;
  CHECK(stat(name.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) && unlink(name.sun_path) == 0);
  close(listener), close(client), close(server);
}

static void test_internet(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof name;
  char text[64];
  int on = 1, value = 0;
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  CHECK(bind(listener, (struct sockaddr*)&name, sizeof name) == 0 && listen(listener, 4) == 0);
  CHECK(getsockname(listener, (struct sockaddr*)&name, &size) == 0 && size == sizeof name && name.sin_port != 0);
  CHECK(connect(client, (struct sockaddr*)&name, sizeof name) == 0 || errno == EINPROGRESS);
  int server = accept(listener, (struct sockaddr*)&name, &size);
  struct pollfd entry = {client, POLLOUT, 0};
  CHECK(server >= 0 && poll(&entry, 1, 5000) == 1 && entry.revents == POLLOUT);
  size = sizeof value;
  CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &size) == 0 && value == 0);
  CHECK(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  CHECK_ERRNO(read(client, text, 1), EAGAIN);
  CHECK(send(server, "tcp", 3, 0) == 3);
  entry.events = POLLIN;
  CHECK(poll(&entry, 1, 5000) == 1 && recv(client, text, 64, 0) == 3);
  CHECK(shutdown(server, SHUT_WR) == 0 && poll(&entry, 1, 5000) == 1 && read(client, text, 1) == 0);
  close(client), close(server), close(listener);

  int from = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0);
  name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  size = sizeof name;
  CHECK(bind(to, (struct sockaddr*)&name, size) == 0 && getsockname(to, (struct sockaddr*)&name, &size) == 0);
  CHECK(setsockopt(to, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
  CHECK(sendto(from, "udp", 3, 0, (struct sockaddr*)&name, size) == 3);
  char control[128];
  struct iovec piece = {text, sizeof text};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
                           .msg_name = &name, .msg_namelen = sizeof name};
  CHECK(recvmsg(to, &message, 0) == 3 && message.msg_namelen == sizeof name);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  CHECK(header != NULL && header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO);
  close(from), close(to);

  CHECK_ERRNO(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
  CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 17), EPROTONOSUPPORT);
  CHECK_ERRNO(recv(-1, text, 1, 0), EBADF);
  int file = open("/etc/passwd", O_RDONLY);
  CHECK_ERRNO(recv(file, text, 1, 0), ENOTSOCK);
  CHECK_ERRNO(listen(file, 1), ENOTSOCK);
  close(file);
}

int main(void) {
  test_stream_pair();
  test_message_pairs();
  test_descriptors();
  test_unix();
  test_internet();
  return conclude("sockets");
}
