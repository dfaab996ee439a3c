// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/connection.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/handover.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/protocol/hello.hpp"

namespace hobbes::client {
namespace {

constexpr const char* socket_name = "leviathan.sock";
constexpr std::size_t group_text_size = 16384;
constexpr const char* waiting = "waiting for leviathan";

/// The group that may enter the run directory, by name if it has one.
std::string readers_of(const std::filesystem::path& run_dir) {
  struct stat dir {};
  if (::stat(run_dir.c_str(), &dir) != 0 || (dir.st_mode & S_IXGRP) == 0) return {};
  std::array<char, group_text_size> text;
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(dir.st_gid, &entry, text.data(), text.size(), &found);
  const std::string name = found != nullptr ? found->gr_name : std::to_string(dir.st_gid);
  return " (it is for group '" + name + "')";
}

Error refused(int sys_errno, const std::filesystem::path& run_dir) {
  if (sys_errno == ENOENT || sys_errno == ECONNREFUSED || sys_errno == ENOTDIR) {
    return {Code::unavailable, "leviathan is not running in " + run_dir.string() + " " + start_hint(run_dir)};
  }
  if (sys_errno == EACCES || sys_errno == EPERM) {
    return {Code::denied, "leviathan in " + run_dir.string() + ": you may not talk to it" + readers_of(run_dir), EACCES};
  }
  return errno_error(sys_errno, "leviathan in " + run_dir.string());
}

/// A run directory's path may be longer than a socket address has room for: it is reached through a descriptor.
Result<UniqueFd> connect_to(const std::filesystem::path& run_dir) {
  const UniqueFd dir(::open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return refused(errno, run_dir);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(dir.get()) + "/" + socket_name;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return last_errno("socket to leviathan");
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return refused(errno, run_dir);
  }
  return socket;
}

/// poll(2)'s notion of a deadline; negative: none.
int milliseconds_until(cmdqueue::Deadline deadline) {
  if (deadline == cmdqueue::no_deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
}

}  // namespace

std::string start_hint(const std::filesystem::path& run_dir) {
  const bool usual = run_dir == default_run_dir();
  return "(start it with: leviathan" + (usual ? "" : " --run-dir " + run_dir.string()) + ")";
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& run_dir) {
  UniqueFd socket = TRY(connect_to(run_dir));
  TRY(protocol::greet(socket.get()));
  auto queue = TRY(cmdqueue::accept_queue(socket.get()));
  return std::unique_ptr<Connection>(new Connection(std::move(socket), std::move(queue)));
}

bool Connection::answers(const std::filesystem::path& run_dir) { return connect_to(run_dir).has_value(); }

Result<std::uint64_t> Connection::send(std::span<const int> fds) {
  const std::uint64_t token = next_token_++;
  TRY(cmdqueue::send_fds(socket_.get(), protocol::encode(protocol::FdDelivery{.token = token}), fds));
  return token;
}

Result<std::vector<UniqueFd>> Connection::receive(std::uint64_t token) {
  // Those of an answer that nobody waited for may lie before it.
  while (true) {
    auto packet = TRY(cmdqueue::receive_fds(socket_.get(), protocol::max_packet));
    if (TRY(protocol::decode<protocol::FdDelivery>(packet.bytes)).token == token) return std::move(packet.fds);
  }
}

Result<cmdqueue::Reply> Connection::await(cmdqueue::RequestId id) {
  if (interrupt_fd_ < 0) return queue_.await(id);
  while (true) {
    if (auto answer = queue_.take(id)) return *std::move(answer);
    TRY(wait(-1, queue_.next_deadline()));
  }
}

Result<bool> Connection::wait(int fd, cmdqueue::Deadline deadline) {
  // No poll() before arm(): what it took in, perhaps just what the caller waits for, would not end the sleep.
  if (!queue_.arm()) {
    TRY(queue_.poll());
    deadline = std::chrono::steady_clock::now();  // there is work already; only look whether `fd` is readable
  }
  std::array<pollfd, 4> polled{{{queue_.bell_fd(), POLLIN, 0},
                                {socket_.get(), POLLRDHUP, 0},
                                {fd, POLLIN, 0},
                                {interrupt_fd_, POLLIN, 0}}};
  const int ready = ::poll(polled.data(), polled.size(), milliseconds_until(deadline));
  const int sys_errno = errno;
  queue_.disarm();
  if (ready < 0 && sys_errno != EINTR) return errno_error(sys_errno, waiting);
  if (ready > 0 && polled[3].revents != 0) return hang_up();
  TRY(queue_.poll());
  return ready > 0 && polled[2].revents != 0;
}

Error Connection::hang_up() {
  const Error why = errno_error(EINTR, waiting);
  queue_.abandon(why);
  ::shutdown(socket_.get(), SHUT_RDWR);
  return why;
}

}  // namespace hobbes::client
