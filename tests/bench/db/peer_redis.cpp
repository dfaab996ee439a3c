// SPDX-License-Identifier: Apache-2.0
// Redis as a contestant: a server of its own on a Unix socket, GET of the record's bytes by id or by name.
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "tests/bench/db/contestant.hpp"

extern char** environ;

namespace hobbes::bench {
namespace {

constexpr auto start_limit = std::chrono::seconds(10);

struct State {
  explicit State(const Dataset& dataset) : data(dataset) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (connection != nullptr) redisFree(connection);
    if (server > 0) {
      ::kill(server, SIGTERM);
      ::waitpid(server, nullptr, 0);
    }
  }

  const Dataset& data;
  pid_t server = 0;
  redisContext* connection = nullptr;
};

Result<pid_t> spawn_server(const std::string& socket, const std::string& directory) {
  std::array<const char*, 14> arguments{"redis-server", "--port",   "0", "--unixsocket", socket.c_str(),
                                        "--save",       "",         "--appendonly", "no", "--dir",
                                        directory.c_str(), "--loglevel", "warning", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int rc = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, const_cast<char* const*>(arguments.data()),
                                environ);
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) return errno_error(rc, "start redis-server");
  return pid;
}

/// Tries until the server has made its socket.
redisContext* connect(const std::string& socket) {
  const auto limit = std::chrono::steady_clock::now() + start_limit;
  while (std::chrono::steady_clock::now() < limit) {
    redisContext* connection = redisConnectUnix(socket.c_str());
    if (connection != nullptr && connection->err == 0) return connection;
    if (connection != nullptr) redisFree(connection);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return nullptr;
}

bool set(redisContext* connection, const std::string& key, const std::string& value) {
  void* reply = redisCommand(connection, "SET %b %b", key.data(), key.size(), value.data(), value.size());
  const bool done = reply != nullptr;
  freeReplyObject(reply);
  return done;
}

bool get(redisContext* connection, const std::string& key, const std::string& expected) {
  auto* reply = static_cast<redisReply*>(redisCommand(connection, "GET %b", key.data(), key.size()));
  const bool right = reply != nullptr && reply->type == REDIS_REPLY_STRING && reply->len == expected.size();
  freeReplyObject(reply);
  return right;
}

}  // namespace

Result<Contestant> make_redis(const Dataset& data) {
  auto state = std::make_shared<State>(data);
  const std::string socket = data.directory / "redis.sock";
  state->server = TRY(spawn_server(socket, data.directory));
  state->connection = connect(socket);
  if (state->connection == nullptr) return Error(Code::unavailable, "redis-server did not answer");
  for (std::size_t i = 0; i < data.enclaves.size(); ++i) {
    if (!set(state->connection, std::to_string(i + 1), data.values[i]) ||
        !set(state->connection, data.enclaves[i].name, data.values[i])) {
      return Error(Code::io, "Redis did not take a record");
    }
  }
  return Contestant{
      state,
      [state](std::size_t i) { return get(state->connection, std::to_string(i + 1), state->data.values[i]); },
      [state](std::size_t i) {
        return get(state->connection, state->data.enclaves[i].name, state->data.values[i]);
      }};
}

}  // namespace hobbes::bench
