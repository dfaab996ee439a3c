// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/start.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include "base/spawn.hpp"

namespace hobbes::leviathan::pmi {

Result<Started> start_server(const Options& options) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return last_errno("'/dev/null'");
  SpawnSpec spec{.program = TRY(apps::find_helper(apps::pmi_program)),
                 .args = to_arguments(options),
                 .env = apps::helper_environment(options.run_dir, options.app),
                 .fds = std::vector<int>(first_rank_fd, null.get()),
                 .cwd = "/",
                 .new_session = true};
  spec.args.insert(spec.args.begin(), std::string(apps::pmi_program));
  Started started;
  std::vector<UniqueFd> its;
  for (const std::uint32_t part : options.parts) {
    for (std::uint32_t rank = 0; rank < part; ++rank) {
      std::array<int, 2> ends{};
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_errno("sockets of the ranks");
      started.ranks.emplace_back(ends[0]);
      its.emplace_back(ends[1]);
      spec.fds.push_back(ends[1]);
    }
  }
  Child child = TRY(spawn(spec));
  started.server = {child.pid, std::move(child.pidfd)};
  return started;
}

}  // namespace hobbes::leviathan::pmi
