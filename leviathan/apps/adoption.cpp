// SPDX-License-Identifier: Apache-2.0
// The text: "<channel> <launcher's pid> <launcher's start time>".
#include "leviathan/apps/adoption.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace hobbes::leviathan::apps {
namespace {

constexpr int start_time_field = 22;    // of /proc/<pid>/stat, proc(5)
constexpr int first_field_behind_name = 3;

/// When the process started, in clock ticks since boot; 0: it has gone.
std::uint64_t start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = first_field_behind_name; field < start_time_field; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

}  // namespace

std::string to_text(const Adoption& adoption) {
  return std::to_string(adoption.channel) + " " + std::to_string(adoption.launcher.pid) + " " +
         std::to_string(adoption.launcher.start_time);
}

Result<Adoption> parse_adoption(std::string_view text) {
  std::istringstream in{std::string(text)};
  Adoption adoption;
  in >> adoption.channel >> adoption.launcher.pid >> adoption.launcher.start_time;
  if (!in || in.peek() != std::istringstream::traits_type::eof()) {
    return Error(Code::corrupt, "application: '" + std::string(text) + "' is no adoption record");
  }
  return adoption;
}

Launcher launcher_of(pid_t pid) { return {pid, start_time(pid)}; }

Result<UniqueFd> open_launcher(const Launcher& launcher) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, launcher.pid, 0)));
  if (!pidfd || start_time(launcher.pid) != launcher.start_time) {
    return Error(Code::not_found, "process " + std::to_string(launcher.pid) + ": has gone");
  }
  return pidfd;
}

}  // namespace hobbes::leviathan::apps
