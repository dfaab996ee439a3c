// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/proxy_stock.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include "base/spawn.hpp"
#include "kernel-bridge/host-io/job.hpp"

namespace hobbes::leviathan::apps {
namespace {

/// No launch for so long: then the start of the next proxy is in nobody's way.
constexpr std::chrono::milliseconds rest{5};

Result<WaitingProxy> start_waiting(const std::filesystem::path& run_dir) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_errno("socket to a proxy");
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return last_errno("'/dev/null'");
  SpawnSpec child{.program = TRY(find_helper(proxy_program)),
                  .args = {std::string(proxy_program), std::string(host_io::job_socket_option), ""},
                  .env = helper_environment(run_dir, AppId()),
                  .fds = {null.get(), null.get(), null.get()},
                  .cwd = "/",
                  .umask = 0,  // the co-kernel applies the program's own
                  .new_session = true};
  child.args.back() = std::to_string(child.fds.size());
  child.fds.push_back(its.get());
  Child started = TRY(spawn(child));
  return WaitingProxy{{started.pid, std::move(started.pidfd)}, std::move(ours)};
}

}  // namespace

bool WaitingProxy::is_good() const {
  const auto ended = reap(process.pidfd.get());
  return ended && !*ended;
}

ProxyStock::ProxyStock(const std::filesystem::path& run_dir)
    : stock_([run_dir] { return start_waiting(run_dir); }, rest) {}

}  // namespace hobbes::leviathan::apps
