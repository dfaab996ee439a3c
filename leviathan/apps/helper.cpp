// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "kernel-bridge/host-io/job.hpp"

namespace hobbes::leviathan::apps {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> helper_places() {
  std::vector<fs::path> places;
  if (const char* listed = std::getenv(helper_path_variable)) {
    std::istringstream list(listed);
    for (std::string place; std::getline(list, place, ':');) {
      if (!place.empty()) places.emplace_back(place);
    }
  }
  std::error_code unreadable;  // without /proc the other places still count
  const fs::path beside = fs::read_symlink("/proc/self/exe", unreadable).parent_path();
  if (!unreadable) {
    // Installed, or where the build leaves them.
    for (const char* place : {"", "../libexec/hobbes", "apps", "pmi", "../hpmmap", "../kernel-bridge/host-io"}) {
      places.push_back((beside / place).lexically_normal());
    }
  }
  return places;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The application named by a process' mark, if it carries one of this run directory.
std::optional<AppId> marked_for(const fs::path& process, std::string_view mark) {
  std::ifstream environ(process / "environ", std::ios::binary);
  for (std::string variable; std::getline(environ, variable, '\0');) {
    if (!variable.starts_with(mark)) continue;
    const auto id = number<std::uint64_t>(std::string_view(variable).substr(mark.size()));
    if (id && *id != 0) return AppId(*id);  // 0: a proxy that waits for an application
  }
  return std::nullopt;
}

/// The mark alone could be anybody's; the program behind the process could not.
bool runs_helper(const fs::path& process) {
  std::error_code gone;
  const std::string program = fs::read_symlink(process / "exe", gone).filename().string();
  return !gone && (program.starts_with(proxy_program) || program.starts_with(keeper_program));
}

/// What the marks of a run directory's helpers begin with.
std::string mark_start(const fs::path& run_dir) {
  return std::string(host_io::mark_variable) + "=" + run_dir.string() + ":";
}

}  // namespace

Result<fs::path> find_helper(std::string_view program) {
  std::string searched;
  for (const fs::path& place : helper_places()) {
    const fs::path candidate = place / program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    searched += (searched.empty() ? "" : ", ") + place.string();
  }
  return Error(Code::not_found, "helper program '" + std::string(program) + "': not in " + searched);
}

std::vector<std::string> helper_environment(const fs::path& run_dir, AppId app) {
  std::vector<std::string> environment = {host_io::mark_of(run_dir.string(), app.value)};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  for (const std::string name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* options = std::getenv(name.c_str())) environment.push_back(name + "=" + options);
#endif
  return environment;
}

std::multimap<AppId, Helper> find_helpers(const fs::path& run_dir) {
  const std::string mark = mark_start(run_dir);
  std::multimap<AppId, Helper> found;
  std::error_code failed;  // processes come and go while we look
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", failed)) {
    const auto pid = number<pid_t>(entry.path().filename().string());
    if (!pid || !marked_for(entry.path(), mark)) continue;
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    // Asked again with the process in hand: its number may have changed hands.
    const auto app = marked_for(entry.path(), mark);
    if (pidfd && app && runs_helper(entry.path())) found.emplace(*app, Helper{*pid, std::move(pidfd)});
  }
  return found;
}

bool has_ended(const Helper& helper) {
  pollfd death{helper.pidfd.get(), POLLIN, 0};
  return ::poll(&death, 1, 0) == 1;
}

void end_helper(int pidfd) { ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0); }

void await_helper_end(int pidfd) {
  pollfd death{pidfd, POLLIN, 0};
  ::poll(&death, 1, -1);
  if (const auto reaped = reap(pidfd); !reaped) log::debug(reaped.error().text());  // an earlier leviathan's child
}

}  // namespace hobbes::leviathan::apps
