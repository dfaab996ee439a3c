// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/node.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/log.hpp"
#include "base/parse.hpp"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Bytes pool_size = gib(1);
constexpr auto start_patience = 60s;
constexpr auto stop_patience = 20s;
constexpr auto look_again = 20ms;

/// Says where the programs of a build tree are to be found, unless somebody has said so already.
void name_programs_of(const fs::path& build) {
  const auto name = [](const char* variable, const std::string& place) { ::setenv(variable, place.c_str(), 0); };
  name("HOBBES_BOOT_LOADER", build / "cokernel/arch/hosted/boot/cokernel-boot");
  name("HOBBES_COKERNEL", build / "cokernel/arch/hosted/cokernel-hosted");
  name("HOBBES_HELPER_PATH", (build / "kernel-bridge/host-io").string() + ":" + (build / "leviathan/apps").string());
}

/// Which CPUs are whose. Without a list all but leviathan's first are for enclaves, and overcommitted that one is, too.
std::vector<std::string> cpu_options(const Cpus& cpus) {
  if (cpus.are_shared()) return {"--overcommit-cpus", "1"};
  std::vector<CpuId> linuxs;
  for (const int cpu : members(cpus.host)) linuxs.emplace_back(static_cast<std::uint32_t>(cpu));
  return {"--cpulist", format_cpu_list(linuxs)};
}

/// Whether leviathan answers and every block is ready to be given away.
bool is_up(client::Client& client) {
  const auto memory = client.memory();
  return memory && memory->live && !memory->rows.empty() &&
         std::ranges::none_of(memory->rows, [](const client::MemoryRow& row) {
           return row.backing.empty() || row.backing == bridge::being_prepared;
         });
}

Result<client::Client> await_start(Child& leviathan, const fs::path& run_dir) {
  const auto give_up = std::chrono::steady_clock::now() + start_patience;
  while (std::chrono::steady_clock::now() < give_up && !leviathan.has_ended()) {
    if (auto client = client::Client::open(run_dir); client && is_up(*client)) return client;
    std::this_thread::sleep_for(look_again);
  }
  return Error(Code::unavailable, "leviathan: did not come up; what it said is above");
}

std::string descriptor(const std::string& name, Bytes memory, int cpus) {
  const auto in_mib = [](Bytes bytes) { return std::to_string(bytes.value >> 20); };
  return "<pisces name=\"" + name + "\" bridge=\"hosted\"><boot_env><memory size=\"" + in_mib(Node::block_size) +
         "\"/></boot_env><memory size=\"" + in_mib(memory - Node::block_size) + "\"/>" +
         (cpus > 1 ? "<cpus><cores>" + std::to_string(cpus - 1) + "</cores></cpus>" : "") + "</pisces>";
}

}  // namespace

Result<WorkDirectory> WorkDirectory::create(const fs::path& parent) {
  std::string path = parent / "hobbes-bench.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return last_errno("'" + parent.string() + "'");
  return WorkDirectory(path);
}

WorkDirectory::~WorkDirectory() {
  std::error_code failed;
  if (!path_.empty()) fs::remove_all(path_, failed);
  if (failed) log::warning("'" + path_.string() + "': is left behind: " + failed.message());
}

Result<Node> Node::start(const Cpus& cpus) {
  const char* named = std::getenv("HOBBES_BUILD");
  if (named == nullptr) return Error(Code::invalid, "HOBBES_BUILD: is not set; it names the build directory");
  const fs::path build = fs::absolute(named);
  name_programs_of(build);
  WorkDirectory directory = TRY(WorkDirectory::create("/var/tmp"));
  WorkDirectory run_dir = TRY(WorkDirectory::create("/dev/shm"));  // in memory, as /run is
  ::setenv("HOBBES_RUN_DIR", run_dir.path().c_str(), 1);

  const UniqueFd null = TRY(open_null());
  const OnCpus host(cpus.host);  // leviathan inherits them, its enclaves have their own
  std::vector<std::string> args = {build / "leviathan/leviathan",
                                   "--memory",
                                   std::to_string(pool_size.value >> 20) + "M",
                                   "--block-size",
                                   std::to_string(block_size.value >> 20) + "M",
                                   "--force",
                                   "--log-level",
                                   "warning"};
  for (std::string& option : cpu_options(cpus)) args.push_back(std::move(option));
  Child leviathan = TRY(Child::spawn(args, {null.get(), STDERR_FILENO, STDERR_FILENO}));
  auto client = TRY(await_start(leviathan, run_dir.path()));
  return Node(cpus, std::move(directory), std::move(run_dir), build / "shell/hobbes", std::move(leviathan), std::move(client));
}

Node::~Node() {
  leviathan_.signal(SIGTERM);
  const auto give_up = std::chrono::steady_clock::now() + stop_patience;
  while (!leviathan_.has_ended() && std::chrono::steady_clock::now() < give_up) std::this_thread::sleep_for(look_again);
}

Status Node::create_enclave(const std::string& name, Bytes memory) {
  TRY(client_.create_enclave(descriptor(name, memory, cpus_.enclave_count()), "bench_node", name));
  return {};
}

Result<AppId> Node::launch(const std::string& enclave, const Launched& program) {
  client::LaunchSpec spec;
  spec.enclave = enclave;
  spec.path = program.args.front();
  spec.args = program.args;
  spec.cwd = "/";
  spec.rewrite = program.rewrite;
  spec.stdio = program.stdio;
  return client_.launch(spec);
}

Status Node::wait_for_success(AppId app) {
  const auto end = TRY(client_.wait(app));
  if (end.exit_code == 0 && end.signal == 0) return {};
  return Error(Code::io, "application " + std::to_string(app.value) + ": ended with status " +
                             std::to_string(end.exit_code) + ", signal " + std::to_string(end.signal));
}

Result<MeasuredEnclave> MeasuredEnclave::create(Node& node, Bytes memory) {
  TRY(node.create_enclave(name, memory));
  return MeasuredEnclave(node);
}

MeasuredEnclave::~MeasuredEnclave() {
  if (node_ == nullptr) return;
  if (const Status destroyed = node_->destroy_enclave(name); !destroyed) log::error(destroyed.error());
}

std::string program(std::string_view name) {
  std::error_code failed;  // without /proc there is no enclave either
  return fs::read_symlink("/proc/self/exe", failed).parent_path() / ("bench_node_" + std::string(name));
}

}  // namespace hobbes::bench
