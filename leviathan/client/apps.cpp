// SPDX-License-Identifier: Apache-2.0
// The requests about applications.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <sstream>

#include "base/parse.hpp"
#include "leviathan/client/link.hpp"
#include "leviathan/descriptor/app.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {

namespace fs = std::filesystem;
namespace request = protocol::request;

namespace {

/// execvp's search path where PATH is not set.
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";

/// A leviathan that is restarted does not end applications: so long a wait for one goes on without it.
constexpr std::chrono::seconds restart_patience{60};
constexpr std::chrono::milliseconds retry_interval{200};

std::string_view search_path(const std::vector<std::string>& env) {
  constexpr std::string_view name = "PATH=";
  for (const std::string& variable : env) {
    if (variable.starts_with(name)) return std::string_view(variable).substr(name.size());
  }
  return usual_path;
}

/// As execvp looks for a program, from the directory it is to run in.
Result<fs::path> find_program(const LaunchSpec& spec, const fs::path& cwd) {
  if (spec.path.empty()) return Error(Code::invalid, "launch: no program was given");
  if (spec.path.find('/') != std::string::npos) return cwd / spec.path;
  std::istringstream places{std::string(search_path(spec.env))};
  for (std::string place; std::getline(places, place, ':');) {
    const fs::path candidate = cwd / place / spec.path;
    std::error_code unreadable;  // then it cannot be run either
    if (fs::is_regular_file(candidate, unreadable) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Error(Code::not_found, "'" + spec.path + "': no such program in PATH", ENOENT);
}

Result<fs::path> directory_of(const LaunchSpec& spec) {
  if (!spec.cwd.empty() && spec.cwd.front() == '/') return fs::path(spec.cwd);
  std::error_code failed;
  const fs::path here = fs::current_path(failed);
  if (failed) return errno_error(failed.value(), "current directory");
  return here / spec.cwd;
}

Result<protocol::LaunchApp> message_of(const LaunchSpec& spec) {
  const fs::path cwd = TRY(directory_of(spec));
  protocol::LaunchApp message;
  message.enclave = spec.enclave;
  message.path = TRY(find_program(spec, cwd));
  message.args = spec.args.empty() ? std::vector{spec.path} : spec.args;
  message.env = spec.env;
  message.app_name = spec.name;
  message.cwd = cwd;
  message.umask = spec.umask;
  message.ranks = spec.ranks;
  message.oversubscribe = spec.oversubscribe;
  message.cpu_list = spec.cpu_list;
  message.heap_size = spec.heap_size;
  message.stack_size = spec.stack_size;
  message.large_pages = spec.large_pages;
  message.smartmap = spec.smartmap;
  message.hpmmap = spec.hpmmap;
  message.rewrite = spec.rewrite;
  message.detach = spec.detach;
  return message;
}

/// One wait for an application: asks leviathan, and asks its successor again if it is restarted meanwhile.
class Wait {
 public:
  Wait(Link& link, AppId app, int interrupt_fd, const std::function<void()>& on_interrupt)
      : link_(link), app_(app), interrupt_fd_(interrupt_fd), on_interrupt_(on_interrupt) {}

  Result<AppEnd> run() {
    auto give_up = std::chrono::steady_clock::now() + restart_patience;
    while (true) {
      auto end = ask();
      const bool gone = !end && end.error().code() == Code::unavailable;
      if (!gone || !was_connected_ || std::chrono::steady_clock::now() > give_up) return end;
      if (connected_last_time_) give_up = std::chrono::steady_clock::now() + restart_patience;
      TRY(pause());
    }
  }

 private:
  Result<AppEnd> ask() {
    connected_last_time_ = false;
    Connection* connection = TRY(link_.connect());
    was_connected_ = connected_last_time_ = true;
    const auto payload = protocol::encode(protocol::AppRef{.app = app_});
    const auto id = TRY(connection->queue().begin(request::wait_app, payload));
    while (true) {
      if (TRY(connection->wait(interrupt_fd_)) && on_interrupt_) on_interrupt_();
      auto answer = connection->queue().take(id);
      if (!answer) continue;
      const auto reply = TRY(*std::move(answer));
      const auto end = TRY(protocol::decode<protocol::AppEnd>(reply.payload));
      return AppEnd{end.exit_code, end.signal, end.reason};
    }
  }

  /// Lets a moment pass. What `interrupt_fd_` has to say is kept for when there is somebody to tell it to.
  Status pause() {
    pollfd interrupt{link_.interrupt_fd, POLLIN, 0};
    ::poll(&interrupt, 1, static_cast<int>(retry_interval.count()));
    if (interrupt.revents != 0) return errno_error(EINTR, "waiting for leviathan");
    return {};
  }

  Link& link_;
  AppId app_;
  int interrupt_fd_;
  const std::function<void()>& on_interrupt_;
  bool was_connected_ = false;
  bool connected_last_time_ = false;
};

}  // namespace

Result<AppId> Client::launch(const LaunchSpec& spec) {
  auto message = TRY(message_of(spec));
  Connection* connection = TRY(impl_->connect());
  if (!spec.detach) {
    std::vector<int> fds(spec.stdio.begin(), spec.stdio.end());
    if (spec.pmi_fd >= 0) fds.push_back(spec.pmi_fd);
    message.stdio_token = TRY(connection->send(fds));
  }
  const auto answer = TRY(connection->call(request::launch_app, message, long_patience));
  return TRY(protocol::decode<protocol::AppRef>(answer)).app;
}

Result<LaunchSpec> Client::parse_app(std::string_view xml, std::string_view file, LaunchSpec defaults) {
  auto app = TRY(descriptor::parse_app(xml, file));
  LaunchSpec spec = std::move(defaults);
  spec.path = app.path;
  spec.args = {app.path};
  std::ranges::move(app.argv, std::back_inserter(spec.args));
  if (!app.name.empty()) spec.name = std::move(app.name);
  for (std::string& variable : app.envp) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(spec.env, [&](const std::string& earlier) { return earlier.starts_with(name); });
    spec.env.push_back(std::move(variable));
  }
  if (app.ranks) spec.ranks = *app.ranks;
  spec.oversubscribe = spec.oversubscribe || app.oversubscribe;
  if (!app.cpu_list.empty()) spec.cpu_list = std::move(app.cpu_list);
  if (app.heap_size) spec.heap_size = *app.heap_size;
  if (app.stack_size) spec.stack_size = *app.stack_size;
  spec.large_pages = spec.large_pages || app.use_large_pages;
  spec.smartmap = spec.smartmap || app.use_smartmap;
  return spec;
}

Result<AppEnd> Client::wait(AppId app, int interrupt_fd, const std::function<void()>& on_interrupt) {
  return Wait(*impl_, app, interrupt_fd, on_interrupt).run();
}

Result<AppId> Client::find_app(std::string_view app) {
  const auto txn = TRY(TRY(impl_->database())->read());
  if (const auto named = TRY(txn.find_app(app))) return named->id;
  const auto number = parse_u64(app, "application");
  if (number && TRY(txn.get<db::App>(AppId(*number)))) return AppId(*number);
  return Error(Code::not_found, "application '" + std::string(app) + "': there is none of that name or number");
}

Status Client::kill(AppId app, int signal) {
  TRY(impl_->call(request::kill_app, protocol::KillApp{.app = app, .signal = signal}, short_patience));
  return {};
}

}  // namespace hobbes::client
