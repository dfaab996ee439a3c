// SPDX-License-Identifier: Apache-2.0
// hobbes-proxy: makes the Linux calls of one enclave application, as the launching user and in his working directory.
// Started ahead by leviathan to wait for a job (--job-socket N), or with its job on the command line. See
// docs/host-io.md.
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/parse.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/app_fds.hpp"
#include "kernel-bridge/host-io/job.hpp"
#include "kernel-bridge/host-io/native_bell.hpp"
#include "kernel-bridge/host-io/options.hpp"
#include "kernel-bridge/host-io/present_memory.hpp"
#include "kernel-bridge/host-io/proxy.hpp"
#include "kernel-bridge/host-io/ready_threads.hpp"
#include "kernel-bridge/host-io/root_dir.hpp"

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

/// Descriptors that are not the application's go, but for those `kept` (-1: none).
Status close_others(const Options& options, std::vector<int> kept) {
  int first = options.close_from;
  const auto close_until = [&first](unsigned last) {
    return static_cast<unsigned>(first) > last || ::close_range(static_cast<unsigned>(first), last, 0) == 0;
  };
  std::ranges::sort(kept);
  for (const int fd : kept) {
    if (fd < first) continue;
    if (!close_until(static_cast<unsigned>(fd) - 1)) return last_errno("close_range");
    first = fd + 1;
  }
  if (!close_until(~0U)) return last_errno("close_range");
  for (const BlockOption& block : options.blocks) ::close(block.fd);  // those below; EBADF for the others
  return {};
}

/// This thread only: libc's functions would stop every thread there is, and wait.
Status become_user(const User& user) {
  const std::string who = "becoming user " + std::to_string(user.uid);
  if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0) return last_errno(who);
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) return last_errno(who);
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) return last_errno(who);
  return {};
}

/// The launching user, in his working directory; those of `threads` become him before they run anything.
Status become(const Options& options, ReadyThreads& threads) {
  if (options.user) {
    TRY(become_user(*options.user));
    threads.do_first([user = *options.user] {
      if (const Status became = become_user(user); !became) {
        log::error(became.error());
        ::_exit(1);  // rather than to serve as somebody else
      }
    });
  }
  // /proc/self/mem is no file for an enclave that may only reach files, nor is its memory for the user's other
  // processes. A change of user has made it so.
  ::prctl(PR_SET_DUMPABLE, options.mode == Mode::all ? 1 : 0);
  if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) != 0) return last_errno("'" + options.cwd.string() + "'");
  return {};
}

/// Where the user's paths start, for him.
Result<RootDir> enter(const Options& options, ReadyThreads& threads) {
  TRY(become(options, threads));
  return RootDir::open(options.root.string());
}

/// Two workers, the canceller and the door's.
constexpr std::size_t threads_of_a_start = 4;

/// Its threads allocate next to nothing; an arena for each would cost more than all they do at the start.
void share_one_heap() { ::mallopt(M_ARENA_MAX, 1); }

/// Without its door a proxy serves as well; memory that comes later then goes through the slots.
void open_door(uid_t owner, Proxy& proxy, ReadyThreads& threads) {
  auto door = BlockDoor::open(owner);
  if (!door) return log::warning(door.error().text());
  auto thread = threads.run([at = std::make_shared<BlockDoor>(*std::move(door)), &proxy] {
    at->serve([&](const BlockMessage& message, int fd) { return proxy.change_blocks(message, fd); });
  });
  if (!thread) return log::warning(thread.error().text());
  thread->detach();
}

/// Whatever waits in the proxy for the enclave is woken when it rings.
Status follow(NativeBell bell, Proxy& proxy, ReadyThreads& threads) {
  proxy.ring_on(bell.fd());
  auto thread = TRY(threads.run([rings = std::make_shared<NativeBell>(std::move(bell)), &proxy] {
    while (rings->wait()) proxy.wake();
  }));
  thread.detach();
  return {};
}

/// All that can be done before there is a job.
Status prepare(ReadyThreads& threads) {
  share_one_heap();
  raise_file_limit();
  ignore_signals();
  ::setsid();  // fails where the spawner has done it already
  make_memory_present();
  return threads.start(threads_of_a_start);
}

/// A proxy that serves, or why there is none; nobody waits for it any more then. The rest of the job may come on `socket`.
Result<std::unique_ptr<Proxy>> start(Options options, ReadyThreads& threads, int socket) {
  BlockMap blocks = TRY(BlockMap::create(options.blocks, HOBBES_HOSTED_DIRECT_MAP));
  auto bell = TRY(NativeBell::of(options.blocks));
  std::vector<int> kept = {socket, bell ? bell->fd() : -1, options.lender};
  for (std::uint32_t rank = 0; rank < options.rank_fds; ++rank) {
    kept.push_back(HOBBES_HIO_FIRST_RANK_FD + static_cast<int>(rank));
  }
  TRY(close_others(options, std::move(kept)));
  auto root = enter(options, threads);
  if (!options.channel) options.channel = TRY(receive_channel(socket));
  if (!root) {
    if (std::byte* channel = blocks.locate(*options.channel, sizeof(hobbes_hio_channel))) {
      mark_dead(*reinterpret_cast<hobbes_hio_channel*>(channel));
      if (bell) bell->ring();
    }
    return root.error();
  }
  auto proxy = TRY(Proxy::create(options, std::move(blocks), *std::move(root), threads));
  if (bell) TRY(follow(*std::move(bell), *proxy, threads));
  TRY(proxy->start());
  if (options.owner) open_door(*options.owner, *proxy, threads);
  return proxy;
}

[[noreturn]] void serve(Proxy& proxy) {
  proxy.wait_for_exit();
  // Calls that still block end with the process; joining their threads could take for ever.
  ::_exit(0);
}

int fail(Error error) {
  log::error(std::move(error).in("hobbes-proxy"));
  return 1;
}

/// Started ahead: the job comes on this socket, and what prevents it is told there.
int run_job(int socket) {
  ReadyThreads threads;
  if (const Status prepared = prepare(threads); !prepared) return fail(prepared.error());
  auto job = receive_job(socket);
  if (job && !*job) return 0;
  if (job) {
    for (UniqueFd& fd : (*job)->fds) (void)fd.release();  // start() closes them with all others
  }
  const auto proxy = job ? start((*job)->options, threads, socket) : Result<std::unique_ptr<Proxy>>(job.error());
  if (!proxy) {
    refuse_job(socket, proxy.error());
    return 1;
  }
  ::close(socket);
  serve(**proxy);
}

int run_arguments(const std::vector<std::string>& arguments) {
  const Result<Options> options = parse_options(arguments);
  if (!options) {
    fail(options.error());
    return 2;
  }
  ReadyThreads threads;
  if (const Status prepared = prepare(threads); !prepared) return fail(prepared.error());
  const auto proxy = start(*options, threads, -1);
  if (!proxy) return fail(proxy.error());
  serve(**proxy);
}

}  // namespace
}  // namespace hobbes::host_io

int main(int argc, char** argv) {
  using namespace hobbes;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  constexpr std::size_t job_arguments = 2;
  if (arguments.size() == job_arguments && arguments[0] == host_io::job_socket_option) {
    const auto socket = parse_u64(arguments[1], host_io::job_socket_option, 0, INT_MAX);
    return socket ? host_io::run_job(static_cast<int>(*socket)) : host_io::fail(socket.error());
  }
  return host_io::run_arguments(arguments);
}
