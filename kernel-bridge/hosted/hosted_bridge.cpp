// SPDX-License-Identifier: Apache-2.0
// A boot in the hosted bridge: lay out the boot block, give a boot loader the descriptors of everything the enclave has,
// wait until its kernel serves. Whatever fails, one undo follows: end the processes, remove the files, zero the
// blocks. It does not depend on how far the boot came, so clean_up() after a crash of ours is the same.
#include "kernel-bridge/hosted/hosted_bridge.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/log.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/boot/clock.hpp"
#include "kernel-bridge/boot/file_content.hpp"
#include "kernel-bridge/hosted/hosted_machine.hpp"
#include "kernel-bridge/hosted/run_files.hpp"

namespace hobbes::bridge {
namespace {

using Clock = std::chrono::steady_clock;
using Blocks = std::vector<std::shared_ptr<Block>>;

/// Killed processes with much memory need a while to go, but not this long.
constexpr std::chrono::seconds end_timeout{10};
constexpr Bytes max_initrd = gib(4);
/// No boot for so long: then the start of the next loader is in nobody's way.
constexpr std::chrono::milliseconds loader_rest{5};
constexpr std::size_t max_blocks = std::extent_v<decltype(hobbes_machine_reply::regions)>;

/// What is in a spec, found and read.
struct Ingredients {
  std::shared_ptr<const KernelImage> kernel;
  Mapping initrd;  // empty: none
  Blocks blocks;
};

Result<Ingredients> gather(const BootSpec& spec, const HostedConfig& config, KernelCache& kernels, MemoryPool& pool) {
  if (spec.schedule_hz != 0)
    return Error(Code::invalid, "schedule_hz: in a hosted enclave Linux decides how long a turn is: leave it out");
  if (spec.blocks.empty()) return Error(Code::invalid, "boot: an enclave needs memory");
  if (spec.blocks.size() > max_blocks)
    return Error(Code::exhausted, "boot: a hosted enclave holds at most " + std::to_string(max_blocks) +
                                      " memory blocks: choose a larger block size");
  Ingredients all{TRY(kernels.get(spec.kernel.empty() ? config.kernel : spec.kernel)), {}, {}};
  if (!spec.initrd.empty()) all.initrd = TRY(read_content(spec.initrd, "initrd", max_initrd));
  for (const std::uint64_t base : spec.blocks) all.blocks.push_back(TRY(pool.get(base)));
  return all;
}

/// Everything an enclave gets a descriptor of besides its blocks, in the order of their numbers there.
struct Lines {
  UniqueFd control_bell;
  UniqueFd console_bell;
  UniqueFd machine;
  UniqueFd lent;    ///< where lent files come in
  UniqueFd file_lender;  ///< and where they are sent
};

Result<UniqueFd> make_bell() {
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return last_errno("boot: eventfd");
  return bell;
}

/// Nobody who lends waits for an enclave that does not listen.
Status open_lending(Lines& lines) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return last_errno("boot: socketpair");
  lines.lent.reset(ends[0]);
  lines.file_lender.reset(ends[1]);
  return {};
}

std::vector<hobbes_boot_region> regions_of(const BootSpec& spec, const Blocks& blocks) {
  std::vector<hobbes_boot_region> regions;
  for (std::size_t i = 0; i < blocks.size(); ++i)
    regions.push_back({spec.blocks[i], blocks[i]->size().value, blocks[i]->numa().value, enclave_fd(i)});
  return regions;
}

Status lay_out(const BootSpec& spec, const Ingredients& from) {
  const std::vector<hobbes_boot_region> regions = regions_of(spec, from.blocks);
  const std::size_t lines = from.blocks.size();
  const BootBlockSpec block{spec.id,
                            spec.name,
                            spec.cmd_line,
                            spec.cpus,
                            regions,
                            enclave_fd(lines),
                            enclave_fd(lines + 1),
                            enclave_fd(lines + 2),
                            enclave_fd(lines + 3),
                            sample_clocks()};
  return write_boot_block(from.blocks[0]->bytes(), block, *from.kernel, from.initrd.bytes());
}

LoaderJob loader_job(const BootSpec& spec, const Blocks& blocks, const Lines& lines, int log) {
  LoaderJob job;
  for (const auto& block : blocks) job.fds.push_back(block->fd());
  for (const UniqueFd* line : {&lines.control_bell, &lines.console_bell, &lines.machine, &lines.lent, &lines.file_lender})
    job.fds.push_back(line->get());
  job.log = log;
  job.base = spec.blocks[0];
  job.size = blocks[0]->size();
  job.cpus = spec.cpus;
  job.uid = spec.uid;
  job.gid = spec.gid;
  return job;
}

/// Its name is kept before it begins: whoever ends us right now, a loader that goes on is found.
Result<std::unique_ptr<HostedMachine>> start(const BootSpec& spec, WaitingLoader loader, const Ingredients& from,
                                             std::shared_ptr<MemoryPool> pool) {
  const RunFiles files(spec.run_dir);
  Lines lines;
  lines.control_bell = TRY(make_bell());
  lines.console_bell = TRY(make_bell());
  lines.machine = TRY(listen_machine(files.socket()));
  TRY(open_lending(lines));
  TRY(lay_out(spec, from));
  const UniqueFd log = TRY(files.create_log());
  TRY(files.record_init(loader.identity()));
  const ProcessId name = TRY(identify(loader.identity()));
  Child init = TRY(std::move(loader).boot(loader_job(spec, from.blocks, lines, log.get())));
  HostedParts parts{{name, files.socket()},
                    std::move(init.pidfd),
                    from.blocks[0],
                    std::move(lines.control_bell),
                    std::move(lines.console_bell),
                    std::move(lines.file_lender),
                    spec.blocks,
                    {}};
  return HostedMachine::create(std::move(pool), std::move(parts));
}

}  // namespace

HostedBridge::HostedBridge(HostedConfig config)
    : config_(std::move(config)),
      kernels_(HOBBES_HOSTED_KERNEL_BASE),
      pool_(std::make_shared<MemoryPool>()),
      loaders_([this] { return WaitingLoader::start(config_.loader); }, loader_rest) {}

Status HostedBridge::probe() {
  if (::access(config_.loader.c_str(), X_OK) != 0)
    return last_errno("hosted bridge: boot loader " + config_.loader.string());
  TRY(kernels_.get(config_.kernel));
  if (const Status steady = check_tsc(); !steady) log::warning(steady.error().text());
  [[maybe_unused]] const std::uint64_t measured_now = tsc_hz();  // rather than in the first boot
  loaders_.fill();
  return {};
}

Result<std::vector<MemoryBlock>> HostedBridge::provide_memory(Bytes amount, Bytes block_size) {
  return pool_->provide(amount, block_size);
}

Result<std::vector<MemoryBlock>> HostedBridge::restore_memory(const std::vector<MemoryBlock>& known,
                                                              const std::vector<std::uint64_t>& held) {
  for (const MemoryBlock& block : known)
    if (std::ranges::count(held, block.base) == 0) TRY(pool_->restore(block));
  return known;
}

Result<std::string> HostedBridge::backing(std::uint64_t base) { return pool_->backing(base); }

Result<MemoryFile> HostedBridge::memory_file(std::uint64_t base) {
  UniqueFd fd = TRY(pool_->share(base));
  return MemoryFile{base, TRY(pool_->get(base))->size(), std::move(fd)};
}

Status HostedBridge::scrub(std::uint64_t base) { return pool_->scrub(base); }

Result<std::unique_ptr<Machine>> HostedBridge::boot(const BootSpec& spec, Clock::time_point deadline) {
  const Ingredients from = TRY(gather(spec, config_, kernels_, *pool_));
  auto machine = start(spec, TRY(loaders_.take()), from, pool_);
  const Status up = machine ? (*machine)->wait_until_running(deadline) : Status(machine.error());
  loaders_.fill();
  if (up) return std::unique_ptr<Machine>(*std::move(machine));

  const std::string output = RunFiles(spec.run_dir).log_tail();
  Error why(up.error().code(), up.error().text() + (output.empty() ? "" : ": it wrote: " + output),
            up.error().sys_errno(), up.error().where());
  if (const Status cleaned = clean_up(spec.id, spec.run_dir); !cleaned)
    return Error(why.code(), why.text() + "; cleaning up failed too: " + cleaned.error().text(), why.sys_errno());
  for (const auto& block : from.blocks) block->scrub();
  return why;
}

Result<std::unique_ptr<Machine>> HostedBridge::adopt(EnclaveId id, std::string_view adoption_record) {
  AdoptionRecord record = TRY(parse_adoption_record(adoption_record));
  UniqueFd pidfd = TRY(open_process(record.init));
  if (has_ended(pidfd.get())) return Error(Code::not_found, "the enclave has ended");
  MachineHello hello = TRY(MachineSocket(record.socket).hello());

  HostedParts parts{std::move(record),
                    std::move(pidfd),
                    {},
                    std::move(hello.control_bell),
                    std::move(hello.console_bell),
                    std::move(hello.file_lender),
                    {},
                    {}};
  for (MachineBlock& block : hello.blocks) {
    if (block.base >= HOBBES_HOSTED_FIRST_LENT) {
      parts.lent.push_back({block.base, block.size});
      continue;
    }
    TRY(pool_->take_in(block.base, std::move(block.fd), block.size));
    parts.blocks.push_back(block.base);
  }
  if (parts.blocks.empty()) return Error(Code::corrupt, "machine socket: the enclave reports no memory of its own");
  parts.boot_block = TRY(pool_->get(parts.blocks[0]));
  auto machine = TRY(HostedMachine::create(pool_, std::move(parts)));
  if (machine->params().enclave_id != id.value)
    return Error(Code::corrupt, "the processes of the adoption record are enclave " +
                                    std::to_string(machine->params().enclave_id) + ", not " + std::to_string(id.value));
  return std::unique_ptr<Machine>(std::move(machine));
}

Status HostedBridge::destroy(EnclaveId, std::string_view adoption_record) {
  const AdoptionRecord record = TRY(parse_adoption_record(adoption_record));
  TRY(end_session(record.init, Clock::now() + end_timeout));
  return RunFiles(record.socket.parent_path()).remove();
}

Status HostedBridge::clean_up(EnclaveId, const std::filesystem::path& run_dir) {
  const RunFiles files(run_dir);
  const auto init = files.init();
  if (init) {
    TRY(end_session(*init, Clock::now() + end_timeout));
  } else if (init.error().code() != Code::not_found) {
    return init.error();
  }
  return files.remove();
}

}  // namespace hobbes::bridge
