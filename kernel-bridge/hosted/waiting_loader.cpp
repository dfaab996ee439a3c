// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/waiting_loader.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "cmdqueue/fd_passing.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/hosted/process.hpp"

namespace hobbes::bridge {
namespace {

/// A process that sleeps is not moved by this: it wakes up there.
Status set_cpus(pid_t pid, std::span<const Cpu> cpus) {
  constexpr std::size_t bits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask;
  for (const Cpu& cpu : cpus) {
    mask.resize(std::max<std::size_t>(mask.size(), cpu.id.value / bits + 1));
    mask[cpu.id.value / bits] |= 1UL << (cpu.id.value % bits);
  }
  const auto* set = reinterpret_cast<const cpu_set_t*>(mask.data());
  if (::sched_setaffinity(pid, mask.size() * sizeof mask[0], set) != 0) return last_errno("boot: run on its CPUs");
  return {};
}

}  // namespace

Result<WaitingLoader> WaitingLoader::start(const std::filesystem::path& program) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return last_errno("boot: socket to the loader");
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return last_errno("boot: '/dev/null'");
  auto process = TRY(spawn({.program = program,
                            .args = {"hobbes-enclave", std::to_string(socket_fd)},
                            .env = {},
                            .fds = {null.get(), null.get(), null.get(), its.get()},
                            .new_session = true,
                            .no_new_privileges = true}));
  std::ifstream stat("/proc/" + std::to_string(process.pid) + "/stat");
  std::string identity{std::istreambuf_iterator<char>(stat), std::istreambuf_iterator<char>()};
  return WaitingLoader(std::move(process), std::move(identity), std::move(ours));
}

WaitingLoader::~WaitingLoader() {
  if (!socket_) return;
  socket_.reset();
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process_.pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

bool WaitingLoader::is_good() const { return !has_ended(process_.pidfd.get()); }

Result<Child> WaitingLoader::boot(const LoaderJob& job) && {
  TRY(set_cpus(process_.pid, job.cpus));
  std::vector<int> fds = job.fds;
  fds.push_back(job.log);
  hobbes_hosted_boot boot = {};
  boot.version = HOBBES_HOSTED_BOOT_VERSION;
  boot.change_user = ::geteuid() == 0 && (job.uid != 0 || job.gid != 0) ? 1 : 0;
  boot.uid = job.uid;
  boot.gid = job.gid;
  boot.first_fd = enclave_fd(0);
  boot.fd_count = static_cast<std::uint32_t>(fds.size());
  boot.base = job.base;
  boot.size = job.size.value;
  TRY(cmdqueue::send_fds(socket_.get(), std::as_bytes(std::span(&boot, 1)), fds));
  socket_.reset();
  return std::move(process_);
}

}  // namespace hobbes::bridge
