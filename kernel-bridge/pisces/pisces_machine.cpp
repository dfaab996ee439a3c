// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/pisces/pisces_machine.hpp"

#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <iterator>

#include "base/log.hpp"
#include "base/parse.hpp"

namespace hobbes::bridge {
namespace {

using Clock = std::chrono::steady_clock;

/// A bell that is lost costs this much.
constexpr std::chrono::milliseconds longest_nap{20};

constexpr std::string_view record_start = "pisces=";

bool has_cpu(const EnclaveState& state, CpuId cpu) { return std::ranges::count(state.cpus, cpu) != 0; }

const pisces_block* find_block(const EnclaveState& state, std::uint64_t base) {
  const auto found = std::ranges::find(state.blocks, base, &pisces_block::base);
  return found == state.blocks.end() ? nullptr : &*found;
}

}  // namespace

Result<std::unique_ptr<PiscesMachine>> PiscesMachine::create(EnclaveDevice device,
                                                             std::shared_ptr<TakenCpus> cpus) {
  const EnclaveState state = TRY(device.state());
  const pisces_block* block = find_block(state, state.boot_block);
  if (block == nullptr) return Error(Code::not_found, "pisces: the enclave never booted");
  const UniqueFd fd = TRY(device.open_block(block->base, Bytes(block->size)));
  Mapping memory = TRY(Mapping::shared(fd.get(), block->size, PROT_READ | PROT_WRITE));
  const BootBlock boot = TRY(find_boot_block(memory.bytes(), block->base));
  Bells bells{TRY(device.open_bell(PISCES_BELL_RANG)), TRY(device.open_bell(PISCES_BELL_RANG)),
              TRY(device.open_bell(PISCES_BELL_ENDED))};
  return std::unique_ptr<PiscesMachine>(
      new PiscesMachine(std::move(device), std::move(cpus), state.id, std::move(memory), boot, std::move(bells)));
}

PiscesMachine::PiscesMachine(EnclaveDevice device, std::shared_ptr<TakenCpus> cpus, EnclaveId id, Mapping memory,
                             BootBlock boot, Bells bells)
    : device_(std::move(device)),
      cpus_(std::move(cpus)),
      id_(id),
      memory_(std::move(memory)),
      boot_(boot),
      bells_(std::move(bells)),
      clock_(boot_.params->clock) {}

/// The driver knows the rest.
std::string PiscesMachine::adoption_record() const { return std::string(record_start) + std::to_string(id_.value); }

Result<EnclaveId> PiscesMachine::parse_record(std::string_view record) {
  const auto id = record.starts_with(record_start)
                      ? parse_u64(record.substr(record_start.size()), "adoption record", 1)
                      : Result<std::uint64_t>(Error(Code::corrupt, "not a record of a native enclave"));
  if (!id) return Error(Code::corrupt, "adoption record '" + std::string(record) + "': " + id.error().text());
  return EnclaveId(*id);
}

Life PiscesMachine::life() const {
  const auto driver = device_.state();
  const bool runs = driver && driver->state == PISCES_RUNNING;
  switch (state_of(*boot_.params)) {
    case HOBBES_ENCLAVE_STOPPED:
      return Life::stopped;
    case HOBBES_ENCLAVE_BOOTING:
      return runs ? Life::booting : Life::crashed;
    case HOBBES_ENCLAVE_RUNNING:
      return runs ? Life::running : Life::crashed;
    default:
      return Life::crashed;
  }
}

std::string PiscesMachine::crash_reason() const {
  if (life() != Life::crashed) return {};
  if (state_of(*boot_.params) != HOBBES_ENCLAVE_CRASHED) return "its CPUs were stopped";
  std::string text = crash_text(*boot_.params);
  return text.empty() ? "its kernel says it crashed, without a reason" : text;
}

void PiscesMachine::ring_control() {
  if (const Status rung = device_.ring(); !rung && rung.error().code() != Code::unavailable) log::error(rung.error());
}

void PiscesMachine::ring_console() { ring_control(); }

Status PiscesMachine::check_alive() const {
  if (life() == Life::running) return {};
  return Error(Code::unavailable, "the enclave has ended");
}

Status PiscesMachine::add_memory(const MemoryBlock& block) {
  TRY(check_alive());
  if (find_block(TRY(device_.state()), block.base) != nullptr)
    return Error(Code::exists, "memory block: the enclave has it already");
  return device_.add_block(block.base, block.size);
}

Status PiscesMachine::remove_memory(std::uint64_t base) {
  const EnclaveState state = TRY(device_.state());
  const pisces_block* block = find_block(state, base);
  if (block == nullptr) return Error(Code::not_found, "memory block: the enclave does not have it");
  if (base == state.boot_block)
    return Error(Code::invalid, "memory block: an enclave cannot lose the one it booted from");
  TRY(check_alive());
  return device_.remove_block(base, Bytes(block->size));
}

/// The driver starts it; it waits in the co-kernel until ADD_CPU announces it. A leviathan that takes up what another
/// one began may ask for what is done already.
Status PiscesMachine::add_cpu(const Cpu& cpu) {
  TRY(check_alive());
  if (has_cpu(TRY(device_.state()), cpu.id)) return {};
  TRY(cpus_->take(cpu.id));
  const auto added = device_.add_cpu(cpu.id);
  if (added) return {};
  if (const Status back = cpus_->give_back(cpu.id); !back) log::warning(back.error().text());
  return added.error();
}

Status PiscesMachine::remove_cpu(CpuId cpu) {
  TRY(check_alive());
  if (has_cpu(TRY(device_.state()), cpu)) TRY(device_.remove_cpu(cpu));
  return cpus_->give_back(cpu);
}

Result<hobbes_pci_command> PiscesMachine::add_device(const PciDevice& device) {
  TRY(check_alive());
  TRY(devices_.take(device.name));
  const auto added = device_.add_device(device);
  if (!added) {
    if (const Status back = devices_.give_back(device.name); !back) log::warning(back.error().text());
    return added.error();
  }
  hobbes_pci_command command{};
  command.place = added->place;
  command.interrupts = added->interrupts == PISCES_MSIX ? HOBBES_PCI_MSIX : HOBBES_PCI_FORWARDED;
  for (std::size_t i = 0; i < std::size(command.bars); ++i) command.bars[i] = {added->bars[i].base, added->bars[i].size};
  std::ranges::copy(added->config, command.config);
  return command;
}

Status PiscesMachine::remove_device(const PciDevice& device) {
  const Status removed = device_.remove_device(device);
  if (!removed && removed.error().code() != Code::not_found) return removed;
  return devices_.give_back(device.name);
}

Result<std::vector<MemoryFile>> PiscesMachine::memory_files() {
  const EnclaveState state = TRY(device_.state());
  std::vector<MemoryFile> files;
  for (const pisces_block& block : state.blocks) {
    const Bytes size(block.size);
    files.push_back({block.base, size, TRY(device_.open_block(block.base, size))});
  }
  // The boot block first, as in BootSpec.
  std::ranges::stable_partition(files, [&](const MemoryFile& file) { return file.base == state.boot_block; });
  return files;
}

Status PiscesMachine::wait_until_running(Clock::time_point deadline) const {
  while (true) {
    const Life now = life();
    if (now == Life::running) return {};
    if (now != Life::booting) {
      const std::string why = crash_reason();
      return Error(Code::unavailable, "the co-kernel did not come up: " + (why.empty() ? "it stopped" : why));
    }
    if (Clock::now() >= deadline) return Error(Code::timeout, "the co-kernel did not come up in time");
    pollfd bell{bells_.control.get(), POLLIN, 0};
    ::poll(&bell, 1, static_cast<int>(longest_nap.count()));
  }
}

}  // namespace hobbes::bridge
