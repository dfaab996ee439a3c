// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/keeper/descendants.hpp"

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace hobbes::leviathan::apps::keeper {
namespace {

/// The parent and state in "/proc/<pid>/stat", which come behind the name's last parenthesis: ") S 123 ...".
struct Kin {
  char state = 0;
  pid_t parent = 0;
};
Kin kin_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const std::size_t behind = line.rfind(')');
  if (behind == std::string::npos || behind + 4 >= line.size()) return {};
  Kin kin{.state = line[behind + 2]};
  std::from_chars(line.data() + behind + 4, line.data() + line.size(), kin.parent);
  return kin;
}

std::multimap<pid_t, pid_t> living_by_parent() {
  std::multimap<pid_t, pid_t> children;
  std::error_code failed;  // without /proc nobody is found
  for (const auto& entry : std::filesystem::directory_iterator("/proc", failed)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const Kin kin = kin_of(entry.path());
    if (kin.parent != 0 && kin.state != 'Z') children.emplace(kin.parent, pid);
  }
  return children;
}

}  // namespace

std::vector<pid_t> descendants() {
  const auto children = living_by_parent();
  std::vector<pid_t> found{::getpid()};
  for (std::size_t next = 0; next < found.size(); ++next) {
    const auto [first, last] = children.equal_range(found[next]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

void kill_descendants() {
  std::set<pid_t> killed;
  for (bool news = true; news;) {
    news = false;
    for (const pid_t pid : descendants()) {
      // Their numbers stay theirs until we, the reaper, have waited for them.
      if (::kill(pid, SIGKILL) == 0 && killed.insert(pid).second) news = true;
    }
  }
}

}  // namespace hobbes::leviathan::apps::keeper
