// SPDX-License-Identifier: Apache-2.0
// hobbes-proxy: makes the Linux calls of one enclave application. Spawned by leviathan, already as the launching user,
// in his working directory and with his umask. See docs/host-io.md.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/app_fds.hpp"
#include "kernel-bridge/host-io/options.hpp"
#include "kernel-bridge/host-io/proxy.hpp"

namespace hobbes::host_io {
namespace {

/// What would end the proxy from outside becomes the result of a call, or is for the co-kernel to hand on: leviathan
/// turns the launcher's Ctrl-C into a signal to the application, which ends the proxy with EXIT. SIGTERM still works.
void ignore_signals() {
  for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ, SIGIO}) {
    ::signal(signal, SIG_IGN);
  }
}

/// The launcher's limit is for his own few files; here are those of all processes of the application.
void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, AppFds::limit);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

Status run(const Options& options) {
  ignore_signals();
  ::setsid();  // fails where the spawner has done it already
  raise_file_limit();
  // /proc/self/mem is no file for an enclave that may only reach files, nor is its memory for the user's other
  // processes.
  if (options.mode != Mode::all) ::prctl(PR_SET_DUMPABLE, 0);

  BlockMap blocks = TRY(BlockMap::create(options.blocks, HOBBES_HOSTED_DIRECT_MAP));
  if (::close_range(static_cast<unsigned>(options.close_from), ~0U, 0) != 0) return last_errno("close_range");
  for (const BlockOption& block : options.blocks) ::close(block.fd);  // those below; EBADF for the others
  const std::unique_ptr<Proxy> proxy = TRY(Proxy::create(options, std::move(blocks)));
  TRY(proxy->start());
  proxy->wait_for_exit();
  // Calls that still block end with the process; joining their threads could take for ever.
  ::_exit(0);
}

int fail(const Error& error) {
  log::error(std::move(Error(error)).in("hobbes-proxy"));
  return 1;
}

}  // namespace
}  // namespace hobbes::host_io

int main(int argc, char** argv) {
  using namespace hobbes;
  const Result<host_io::Options> options = host_io::parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) {
    static_cast<void>(host_io::fail(options.error()));
    return 2;
  }
  const Status status = host_io::run(*options);
  return status ? 0 : host_io::fail(status.error());
}
