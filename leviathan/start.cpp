// SPDX-License-Identifier: Apache-2.0
// From options to a running daemon: see the header.
#include "leviathan/start.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/log.hpp"
#include "leviathan/caller.hpp"
#include "leviathan/daemon.hpp"
#include "leviathan/inventory.hpp"
#include "leviathan/populate.hpp"
#include "leviathan/reshape.hpp"
#include "leviathan/run_dir.hpp"

namespace hobbes::leviathan {
namespace {

constexpr std::uint64_t default_share = 4;  // a quarter of what is available
constexpr Bytes default_most = gib(1);
constexpr Bytes default_block_size = mib(128);  // Linux's own hotplug blocks, as a rule

/// A queue and a few pipes for each client and application: more descriptors than the usual soft limit may be needed.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<Bytes> memory_for_enclaves(const Options& options) {
  if (options.memory) return *options.memory;
  const Bytes share(TRY(available_memory()).value / default_share);
  return std::max(std::min(share, default_most), options.block_size.value_or(default_block_size));
}

CpuPolicy policy_of(const Options& options) { return {options.linux_cpus, options.cpu_slots, options.overcommit}; }

Result<Bytes> block_size_of(const db::Environment& environment) {
  const auto txn = TRY(environment.read());
  return TRY(txn.meta()).block_size;
}

/// A later start: what the options say now, as far as they say it.
Status take_options(db::Environment& environment, bridge::Bridge& bridge, const Options& options) {
  Wishes wishes{.memory = options.memory,
                .available = TRY(available_memory()),
                .source = {},
                .block_size = options.block_size,
                .cpus = {},
                .cpus_found = TRY(find_cpus())};
  if (bridge.takes_from_linux()) {
    const Bytes block_size = TRY(block_size_of(environment));
    wishes.source = {.take = [&bridge, block_size](Bytes amount) { return bridge.provide_memory(amount, block_size); },
                     .give_back = [&bridge](std::uint64_t base) { return bridge.give_memory_back(base); }};
  }
  if (options.linux_cpus || options.overcommit) wishes.cpus = policy_of(options);
  return reshape(environment, wishes);
}

/// The first start of a leviathan since the node booted.
Status take_hardware(db::Environment& environment, bridge::Bridge& bridge, const Options& options) {
  const auto found = TRY(find_cpus());
  Hardware hardware;
  hardware.cpus = TRY(share_out(found, policy_of(options)));
  std::ranges::copy(offline_cpus(found, present_cpus()), std::back_inserter(hardware.cpus));
  hardware.block_size = options.block_size.value_or(default_block_size);
  hardware.blocks = TRY(bridge.provide_memory(TRY(memory_for_enclaves(options)), hardware.block_size));
  hardware.devices = find_pci_devices();
  hardware.cpu_slots = options.cpu_slots;
  hardware.numa_nodes = count_numa_nodes(found);
  if (std::ranges::none_of(hardware.cpus, [](const db::Cpu& cpu) { return cpu.state == db::ResourceState::free; })) {
    log::warning("all CPUs are Linux's: give some up with --cpulist, or share them with --overcommit-cpus");
  }
  return populate(environment, hardware);
}

/// The daemon, and what it starts on the Linux side (proxies, the master's applications), stay on the CPUs that Linux
/// keeps: those of enclaves are not for them.
Status keep_to_linux_cpus(const db::Environment& environment) {
  const auto txn = TRY(environment.read());
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const db::Cpu& cpu : TRY(txn.list_by_owner<db::Cpu>(master_enclave))) CPU_SET(cpu.id.value, &cpus);
  if (CPU_COUNT(&cpus) == 0) return {};
  if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) log::warning(last_errno("stay on Linux's CPUs").text());
  return {};
}

/// Without privileges files can be given to the readers only where the run directory is theirs.
std::optional<gid_t> group_of_files(const std::filesystem::path& run_dir, const Policy& policy) {
  struct stat dir {};
  const bool may_choose = ::geteuid() == 0;
  const bool theirs = ::stat(run_dir.c_str(), &dir) == 0 && policy.readers.id == dir.st_gid;
  return may_choose || theirs ? policy.readers.id : std::nullopt;
}

Status run(const std::filesystem::path& run_dir, const Options& options, Policy policy,
           std::unique_ptr<bridge::Bridge> bridge) {
  TRY(bridge->probe());
  db::EnvironmentOptions readable;
  readable.group = group_of_files(run_dir, policy);
  auto environment = TRY(db::Environment::create(run_dir, readable));
  const bool fresh = TRY(is_empty(environment));
  if (fresh) {
    TRY(take_hardware(environment, *bridge, options));
  } else {
    log::info("goes on with the node as the leviathan before this one left it");
    TRY(take_options(environment, *bridge, options));
  }
  TRY(keep_to_linux_cpus(environment));
  const Bytes block_size = TRY(block_size_of(environment));
  Daemon daemon({.node = {.run_dir = run_dir, .block_size = block_size, .policy = std::move(policy)},
                 .recovers = !fresh,
                 .force = options.force},
                std::move(environment), std::move(bridge));
  return daemon.run();
}

}  // namespace

Status start(const Options& options, std::unique_ptr<bridge::Bridge> bridge) {
  raise_descriptor_limit();
  Policy policy = Policy::here(options.readers, options.admins);
  auto run_dir = TRY(RunDir::open(options.run_dir, policy.readers.id));
  Status outcome = run(run_dir.path(), options, std::move(policy), std::move(bridge));
  // The daemon is gone and its database closed. One that a stop that failed left is for the next leviathan.
  if (outcome || !run_dir.has_database()) std::move(run_dir).remove();
  return outcome;
}

}  // namespace hobbes::leviathan
