// SPDX-License-Identifier: Apache-2.0
// A Unix address holds 107 characters and run directories are often longer. The directory is therefore opened, and its
// descriptor's name in /proc stands for it in the address: "/proc/self/fd/9/machine.sock".
#include "kernel-bridge/hosted/machine_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "cmdqueue/fd_passing.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::bridge {
namespace {

/// An enclave answers within microseconds, or something is wrong with it.
constexpr timeval answer_timeout{5, 0};
constexpr std::size_t max_regions = std::extent_v<decltype(hobbes_machine_reply::regions)>;
constexpr std::size_t lines = 3;  // two bells, and where files are lent

/// An address that is good as long as this object lives.
class ShortAddress {
 public:
  [[nodiscard]] static Result<ShortAddress> create(const std::filesystem::path& path) {
    UniqueFd directory(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return last_errno("machine socket: " + path.parent_path().string());
    const std::string name = "/proc/self/fd/" + std::to_string(directory.get()) + '/' + path.filename().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path)
      return Error(Code::invalid, "machine socket: " + path.string() + ": file name too long");
    std::ranges::copy(name, address.sun_path);
    return ShortAddress(std::move(directory), address);
  }

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  ShortAddress(UniqueFd directory, const sockaddr_un& address)
      : directory_(std::move(directory)), address_(address) {}

  UniqueFd directory_;
  sockaddr_un address_;
};

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return last_errno("machine socket");
  return socket;
}

Result<UniqueFd> connect_machine(const std::filesystem::path& path) {
  const ShortAddress address = TRY(ShortAddress::create(path));
  UniqueFd socket = TRY(make_socket());
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_timeout, sizeof answer_timeout) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &answer_timeout, sizeof answer_timeout) != 0)
    return last_errno("machine socket: set its timeout");
  if (::connect(socket.get(), address.get(), ShortAddress::size()) == 0) return socket;
  if (errno == EAGAIN) return Error(Code::timeout, "the enclave's kernel does not answer: " + path.string());
  return Error(Code::unavailable, "the enclave's kernel is not there: " + path.string() + ": " + std::strerror(errno),
               errno);
}

struct Answer {
  hobbes_machine_reply reply{};
  std::vector<UniqueFd> fds;
};

/// cmdqueue::receive_fds() does not take as many descriptors as HELLO brings.
Result<Answer> receive_answer(int socket) {
  Answer answer;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE((max_regions + lines) * sizeof(int))> control{};
  iovec bytes{&answer.reply, sizeof answer.reply};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return Error(Code::timeout, "the enclave's kernel does not answer");
  if (got < 0) return last_errno("machine socket: receive");

  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      answer.fds.emplace_back(fd);
    }
  }
  if (got == 0) return Error(Code::unavailable, "the enclave's kernel closed the connection");
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
      static_cast<std::size_t>(got) < offsetof(hobbes_machine_reply, regions))
    return Error(Code::corrupt, "machine socket: the enclave's answer breaks the protocol");
  return answer;
}

Result<Answer> call(const std::filesystem::path& path, hobbes_machine_request request, std::span<const int> fds) {
  const UniqueFd socket = TRY(connect_machine(path));
  request.version = HOBBES_MACHINE_VERSION;
  TRY(cmdqueue::send_fds(socket.get(), std::as_bytes(std::span(&request, 1)), fds));
  Answer answer = TRY(receive_answer(socket.get()));
  if (answer.reply.result < 0) return errno_error(-answer.reply.result, "the enclave's kernel refused");
  return answer;
}

}  // namespace

Result<UniqueFd> listen_machine(const std::filesystem::path& path) {
  const ShortAddress address = TRY(ShortAddress::create(path));
  UniqueFd socket = TRY(make_socket());
  // The file takes the socket's mode when it is bound: nobody else may connect at any moment.
  if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) return last_errno("machine socket: set its mode");
  if (::bind(socket.get(), address.get(), ShortAddress::size()) != 0)
    return last_errno("machine socket: " + path.string());
  if (::listen(socket.get(), SOMAXCONN) != 0) return last_errno("machine socket: listen");
  return socket;
}

Result<MachineHello> MachineSocket::hello() const {
  Answer answer = TRY(call(path_, {0, HOBBES_MACHINE_HELLO, 0, 0}, {}));
  const std::size_t count = answer.reply.region_count;
  if (count == 0 || count > max_regions || answer.fds.size() != count + lines)
    return Error(Code::corrupt, "machine socket: the enclave reports " + std::to_string(count) +
                                    " memory blocks with " + std::to_string(answer.fds.size()) + " descriptors");
  MachineHello hello;
  for (std::size_t i = 0; i < count; ++i)
    hello.blocks.push_back(
        {answer.reply.regions[i].base, Bytes(answer.reply.regions[i].size), std::move(answer.fds[i])});
  hello.control_bell = std::move(answer.fds[count]);
  hello.console_bell = std::move(answer.fds[count + 1]);
  hello.file_lender = std::move(answer.fds[count + 2]);
  return hello;
}

Status MachineSocket::plug(std::uint64_t base, Bytes size, int memfd) const {
  const int fds[] = {memfd};
  TRY(call(path_, {0, HOBBES_MACHINE_PLUG, base, size.value}, fds));
  return {};
}

Status MachineSocket::lend(std::uint64_t base, Bytes size, int memfd, bool writable) const {
  const int fds[] = {memfd};
  const std::uint32_t what = writable ? HOBBES_MACHINE_LEND : HOBBES_MACHINE_LEND_READ_ONLY;
  TRY(call(path_, {0, what, base, size.value}, fds));
  return {};
}

Status MachineSocket::unplug(std::uint64_t base) const {
  TRY(call(path_, {0, HOBBES_MACHINE_UNPLUG, base, 0}, {}));
  return {};
}

}  // namespace hobbes::bridge
