// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/container.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "tests/bench/node/node.hpp"

namespace hobbes::bench {
namespace {

namespace fs = std::filesystem;

/// As `crun spec` writes it, but for the terminal and what mounts a static program does not need.
constexpr const char* config = R"({
  "ociVersion": "1.0.0",
  "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": ["/program"], "env": [], "cwd": "/",
              "noNewPrivileges": true},
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "bench",
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
             {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]}],
  "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]}
}
)";

Status write_bundle(const fs::path& bundle, std::string_view name) {
  std::error_code failed;
  fs::create_directories(bundle / "rootfs/proc", failed);
  if (!failed) fs::create_directory(bundle / "rootfs/dev", failed);
  if (!failed) fs::copy_file(program(name), bundle / "rootfs/program", failed);
  if (failed) return errno_error(failed.value(), "'" + bundle.string() + "'");
  std::ofstream file(bundle / "config.json");
  file << config;
  if (!file.flush()) return Error(Code::io, "'" + (bundle / "config.json").string() + "': cannot be written");
  return {};
}

Status hide_old_cgroups() {
  if (::unshare(CLONE_NEWNS) != 0) return last_errno("a mount namespace for crun");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return last_errno("private mounts for crun");
  if (::mount("none", "/sys/fs/cgroup", "cgroup2", 0, nullptr) != 0) return last_errno("cgroup 2 for crun");
  return {};
}

}  // namespace

std::vector<std::string> Container::command() const {
  const std::string id = "hobbes-bench-" + std::to_string(::getpid());
  std::vector<std::string> command{"crun", "run", "--bundle", bundle_, id};
  if (!manages_cgroup_) command.insert(command.begin() + 1, "--cgroup-manager=disabled");
  return command;
}

Result<Container> Container::create(const fs::path& directory, std::string_view program) {
  const fs::path bundle = directory / "bundle";
  TRY(write_bundle(bundle, program));
  const Container plain(bundle, true);
  if (time_to_run(plain.command())) return plain;
  TRY(hide_old_cgroups());
  const Container without_cgroup(bundle, false);
  if (auto ran = time_to_run(without_cgroup.command()); !ran) return std::move(ran).error();
  return without_cgroup;
}

}  // namespace hobbes::bench
