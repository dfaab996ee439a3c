// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/client.hpp"

#include <cerrno>

#include "leviathan/client/link.hpp"

namespace hobbes::client {

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const std::filesystem::path& run_dir) { return Client(std::make_unique<Impl>(run_dir)); }

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
  if (!connection) connection = TRY(Connection::open(run_dir));
  return connection.get();
}

bool Link::live() const { return Connection::answers(run_dir); }

}  // namespace hobbes::client
