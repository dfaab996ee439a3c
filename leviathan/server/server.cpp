// SPDX-License-Identifier: Apache-2.0
// Server: see the header. Anybody who reaches the socket may connect; what he may do is judged by his credentials, so
// that a refusal can say why.
#include "leviathan/server/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/log.hpp"
#include "leviathan/parts.hpp"
#include "leviathan/run_dir.hpp"

namespace hobbes::leviathan {
namespace {

using boost::system::error_code;

constexpr int backlog = 64;
constexpr mode_t socket_mode = 0666;  // the run directory keeps strangers out
/// Each has a queue of half a MiB: enough for any node, and a bound for what clients can make the daemon spend.
constexpr std::size_t max_connections = 256;

Result<UniqueFd> listen_on(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.size() >= sizeof address.sun_path) return Error(Code::invalid, "socket: " + name + ": the path is too long");
  std::memcpy(address.sun_path, name.data(), name.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return last_errno("socket: " + name);
  ::unlink(name.c_str());  // we hold the run directory's lock: whoever made it is gone
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(name.c_str(), socket_mode) != 0 || ::listen(socket.get(), backlog) != 0) {
    return last_errno("socket: " + name);
  }
  return socket;
}

}  // namespace

Status check_privilege(const Service& service, const Caller& caller, const Policy& policy) {
  switch (service.privilege) {
    case Privilege::read:
    case Privilege::use: return policy.check_read(caller, service.name);
    case Privilege::change: break;
  }
  return policy.check_change(caller, service.name);
}

Server::Server(boost::asio::io_context& loop, Parts& parts) : loop_(loop), parts_(parts), listener_(loop) {}

Server::~Server() { stop(); }

Status Server::start(const std::filesystem::path& run_dir) {
  path_ = run_dir / socket_name;
  UniqueFd socket = TRY(listen_on(path_));
  error_code failed;
  listener_.assign(socket.release(), failed);
  if (failed) return errno_error(failed.value(), "socket: " + path_.string());
  wait();
  return {};
}

void Server::accept_no_more() {
  stopping_ = true;
  if (!listener_.is_open()) return;
  error_code ignored;  // nothing can be done about a descriptor that does not close
  listener_.close(ignored);
  ::unlink(path_.c_str());
}

void Server::stop() {
  accept_no_more();
  for (const auto& connection : std::set(connections_)) connection->close();
}

void Server::wait() {
  listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code failed) {
    if (failed) return;
    accept();
    wait();
  });
}

void Server::accept() {
  UniqueFd socket(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) return admit(std::move(socket));
  if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) log::error(last_errno("socket: accept"));
}

void Server::admit(UniqueFd socket) {
  if (connections_.size() >= max_connections) return log::warning("socket: too many clients: one was turned away");
  const Policy& policy = parts_.node.policy();
  auto caller = identify(socket.get(), policy);
  if (!caller) return log::error(caller.error());
  const auto connection = std::make_shared<Connection>(
      loop_, std::move(socket), *std::move(caller), policy, [this](CallPtr call) { serve(std::move(call)); },
      [this](Connection& ended) { connections_.erase(ended.shared_from_this()); });
  connections_.insert(connection);
  connection->start();
}

void Server::serve(CallPtr call) {
  const Service* service = find_service(call->code());
  if (service == nullptr) {
    return call->reply(Error(Code::unsupported, "request " + std::to_string(call->code()) + ": is unknown here"));
  }
  const Status allowed = check_privilege(*service, call->caller(), parts_.node.policy());
  if (!allowed) return call->reply(allowed);
  if (stopping_) return call->reply(Error(Code::unavailable, std::string(service->name) + ": leviathan is stopping"));
  service->handler(parts_, std::move(call));
}

}  // namespace hobbes::leviathan
