// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/client.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "leviathan/client/link.hpp"

namespace hobbes::client {

namespace {

/// Whoever owns the directory could be the leviathan there, and would be given our descriptors and environment. Root
/// looks where he pleases.
Status check_owner(const std::filesystem::path& run_dir) {
  struct stat found {};
  const uid_t me = ::geteuid();
  if (me == 0 || ::stat(run_dir.c_str(), &found) != 0) return {};  // what is not there is said later, and better
  if (found.st_uid == 0 || found.st_uid == me) return {};
  return Error(Code::denied, "run directory: " + run_dir.string() + ": belongs to user " +
                                 std::to_string(found.st_uid) + ", not to root or us");
}

}  // namespace

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const std::filesystem::path& run_dir) {
  TRY(check_owner(run_dir));
  return Client(std::make_unique<Impl>(run_dir));
}

void Client::interrupt_with(int fd) { impl_->interrupt_fd = fd; }

Result<db::Environment*> Link::database() {
  if (environment) return &*environment;
  auto opened = db::Environment::open_reader(run_dir);
  if (!opened && (opened.error().code() == Code::not_found || opened.error().sys_errno() == ENOENT)) {
    return Error(Code::unavailable, "leviathan has never run in " + run_dir.string() + " " + start_hint(run_dir));
  }
  environment = TRY(std::move(opened));
  return &*environment;
}

Result<Connection*> Link::connect() {
  if (connection && !connection->usable()) connection.reset();
  if (!connection) connection = TRY(Connection::open(run_dir));
  connection->interrupt_with(interrupt_fd);
  return connection.get();
}

bool Link::live() const { return Connection::answers(run_dir); }

}  // namespace hobbes::client
