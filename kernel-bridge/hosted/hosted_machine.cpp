// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/hosted_machine.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <thread>

#include "base/parse.hpp"
#include "cmdqueue/queue_memory.hpp"
#include "kernel-bridge/abi/console.h"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::bridge {
namespace {

using Clock = std::chrono::steady_clock;

/// A futex wait cannot watch a pidfd as well: it looks this often whether init has died.
constexpr std::chrono::nanoseconds death_interval = std::chrono::milliseconds(2);
constexpr std::size_t max_blocks = std::extent_v<decltype(hobbes_machine_reply::regions)>;

/// Sleeps while the word has this value, at most `time`. May return early.
void futex_wait(const std::uint32_t& word, std::uint32_t value, std::chrono::nanoseconds time) {
  const timespec timeout{0, static_cast<long>(std::max<std::int64_t>(time.count(), 0))};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &timeout, nullptr, 0);
}

void futex_wake_all(const std::uint32_t& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

Result<std::unique_ptr<HostedMachine>> HostedMachine::create(std::shared_ptr<MemoryPool> pool, HostedParts parts) {
  const BootBlock boot = TRY(find_boot_block(parts.boot_block->bytes(), parts.blocks.at(0)));
  const auto queue = TRY(cmdqueue::QueueMemory::open(boot.control_queue));
  auto doorbell = cmdqueue::Doorbell::futex(&queue.view().requests.control().consumer_sleep);
  return std::unique_ptr<HostedMachine>(
      new HostedMachine(std::move(pool), std::move(parts), boot, std::move(doorbell)));
}

HostedMachine::HostedMachine(std::shared_ptr<MemoryPool> pool, HostedParts parts, BootBlock boot,
                             cmdqueue::Doorbell control)
    : pool_(std::move(pool)),
      parts_(std::move(parts)),
      boot_(boot),
      control_doorbell_(std::move(control)),
      socket_(parts_.record.socket),
      blocks_(parts_.blocks),
      lent_(parts_.lent),
      clock_(boot_.params->clock) {}

std::string HostedMachine::adoption_record() const { return to_text(parts_.record); }

std::uint32_t HostedMachine::state() const { return state_of(*boot_.params); }

Life HostedMachine::life() const {
  // First the process, then its last word: the other way round a shutdown in between would look like a crash.
  const bool ended = has_ended(parts_.pidfd.get());
  switch (state()) {
    case HOBBES_ENCLAVE_STOPPED:
      return Life::stopped;
    case HOBBES_ENCLAVE_BOOTING:
      return ended ? Life::crashed : Life::booting;
    case HOBBES_ENCLAVE_RUNNING:
      return ended ? Life::crashed : Life::running;
    default:
      return Life::crashed;
  }
}

std::string HostedMachine::crash_reason() const {
  if (life() != Life::crashed) return {};
  if (state() == HOBBES_ENCLAVE_CRASHED) {
    if (std::string text = crash_text(*boot_.params); !text.empty()) return text;
  }
  if (!has_ended(parts_.pidfd.get())) return "its kernel says it crashed, without a reason";
  const auto how = how_it_ended(parts_.pidfd.get());
  return how ? "its init process " + *how : "its processes have ended";
}

void HostedMachine::ring_control() { control_doorbell_.ring(); }

// Whoever typed has advanced the word, which ends a sleep that begins just now.
void HostedMachine::ring_console() {
  futex_wake_all(reinterpret_cast<const hobbes_console*>(boot_.console.data())->typed_bell);
}

Status HostedMachine::check_alive() const {
  if (has_ended(parts_.pidfd.get())) return Error(Code::unavailable, "the enclave has ended");
  return {};
}

Status HostedMachine::add_memory(const MemoryBlock& block) {
  const std::lock_guard lock(blocks_mutex_);
  if (std::ranges::count(blocks_, block.base) != 0)
    return Error(Code::exists, "memory block: the enclave has it already");
  if (blocks_.size() >= max_blocks)
    return Error(Code::exhausted, "memory block: a hosted enclave holds at most " + std::to_string(max_blocks) +
                                      ": choose a larger block size");
  const std::shared_ptr<Block> memory = TRY(pool_->get(block.base));
  TRY(check_alive());
  TRY(socket_.plug(block.base, memory->size(), memory->fd()));
  blocks_.push_back(block.base);
  return {};
}

Status HostedMachine::remove_memory(std::uint64_t base) {
  const std::lock_guard lock(blocks_mutex_);
  const auto place = std::ranges::find(blocks_, base);
  if (place == blocks_.end()) return Error(Code::not_found, "memory block: the enclave does not have it");
  if (place == blocks_.begin())
    return Error(Code::invalid, "memory block: an enclave cannot lose the one it booted from");
  TRY(check_alive());
  TRY(socket_.unplug(base));
  blocks_.erase(place);
  return {};
}

Status HostedMachine::add_cpu(const Cpu& cpu) {
  // The co-kernel pins its threads itself; there is only to see that it will be able to.
  std::ifstream file("/sys/devices/system/cpu/online");
  std::string online;
  std::getline(file, online);
  const std::vector<CpuId> cpus = TRY(parse_cpu_list(online, "online CPUs"));
  if (std::ranges::count(cpus, cpu.id) == 0)
    return Error(Code::unavailable, "CPU " + std::to_string(cpu.id.value) + ": it is not online");
  return check_alive();
}

Status HostedMachine::remove_cpu(CpuId) { return check_alive(); }

LentRange HostedMachine::lent_range() const {
  return {HOBBES_HOSTED_FIRST_LENT, Bytes(HOBBES_HOSTED_DIRECT_SIZE - HOBBES_HOSTED_FIRST_LENT)};
}

std::vector<LentRange> HostedMachine::lent() {
  const std::lock_guard lock(blocks_mutex_);
  return lent_;
}

Status HostedMachine::lend(const LentRange& range, int memfd, bool writable) {
  const std::lock_guard lock(blocks_mutex_);
  TRY(check_alive());
  TRY(socket_.lend(range.base, range.size, memfd, writable));
  lent_.push_back(range);
  return {};
}

Status HostedMachine::take_back(std::uint64_t base) {
  const std::lock_guard lock(blocks_mutex_);
  TRY(check_alive());
  TRY(socket_.unplug(base));
  std::erase_if(lent_, [base](const LentRange& range) { return range.base == base; });
  return {};
}

Result<MemoryFile> HostedMachine::share_memory(std::uint64_t address) {
  const std::lock_guard lock(blocks_mutex_);
  for (const std::uint64_t base : blocks_) {
    if (address < base) continue;
    const std::shared_ptr<Block> block = TRY(pool_->get(base));
    if (address - base >= block->size().value) continue;
    return MemoryFile{base, block->size(), TRY(pool_->share(base))};
  }
  return Error(Code::not_found, "shared memory: the enclave has no memory at address " + std::to_string(address));
}

Result<std::vector<MemoryFile>> HostedMachine::memory_files() {
  const std::lock_guard lock(blocks_mutex_);
  std::vector<MemoryFile> files;
  for (const std::uint64_t base : blocks_) {
    const std::shared_ptr<Block> block = TRY(pool_->get(base));
    UniqueFd fd(::fcntl(block->fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd) return last_errno("memory block: duplicate its descriptor");
    files.push_back({base, block->size(), std::move(fd)});
  }
  return files;
}

void HostedMachine::update_clock() { clock_.update(); }

/// A boot takes less than that as a rule, and to fall asleep and be woken would take a good part of it.
void HostedMachine::watch_boot() const {
  constexpr std::chrono::milliseconds long_enough{2};
  const auto until = Clock::now() + long_enough;
  while (state() == HOBBES_ENCLAVE_BOOTING && Clock::now() < until) std::this_thread::yield();
}

Status HostedMachine::wait_until_running(Clock::time_point deadline) const {
  watch_boot();
  while (true) {
    const bool ended = has_ended(parts_.pidfd.get());
    const std::uint32_t now = state();
    if (now == HOBBES_ENCLAVE_RUNNING && !ended) return {};
    if (now != HOBBES_ENCLAVE_BOOTING || ended) {
      const std::string why = crash_reason();
      return Error(Code::unavailable, "the co-kernel did not come up: " + (why.empty() ? "it stopped" : why));
    }
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return Error(Code::timeout, "the co-kernel did not come up in time");
    futex_wait(boot_.params->state, now, std::min<std::chrono::nanoseconds>(left, death_interval));
  }
}

}  // namespace hobbes::bridge
