// SPDX-License-Identifier: Apache-2.0
// A boot through the driver: take CPUs from Linux, give the driver CPUs and blocks, lay out the boot block, start,
// wait until the kernel serves. Whatever fails, one undo follows, the same as after a crash of ours: the driver knows
// what the enclave has, and destroying it gives everything back.
#include "kernel-bridge/pisces/pisces_bridge.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "base/log.hpp"
#include "kernel-bridge/abi/x86_64.h"
#include "kernel-bridge/boot/boot_block.hpp"
#include "kernel-bridge/boot/file_content.hpp"
#include "kernel-bridge/pisces/pisces_machine.hpp"

namespace hobbes::bridge {
namespace {

namespace fs = std::filesystem;

constexpr Bytes max_initrd = gib(4);
/// There is one driver on a node, and so one such file. It goes with the boot, as what it tells of does.
constexpr const char* taken_cpus_file = "/run/hobbes-pisces.cpus";
constexpr std::string_view backing_text = "taken from Linux";

MemoryBlock block_of(const LinuxBlock& block) {
  return {block.base, block.size, block.numa, std::string(backing_text)};
}

}  // namespace

fs::path find_bare_kernel() {
  constexpr const char* image = "cokernel-x86_64";
  if (const char* named = std::getenv("HOBBES_COKERNEL_X86_64"); named != nullptr && *named != '\0') return named;
  std::error_code failure;
  const fs::path here = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& directory : {here, here / "../libexec/hobbes", here / "../cokernel/arch/x86_64"})
    if (const fs::path file = (directory / image).lexically_normal(); fs::exists(file, failure)) return file;
  return fs::path(HOBBES_LIBEXEC_DIR) / image;
}

PiscesBridge::PiscesBridge(fs::path kernel)
    : kernel_(std::move(kernel)),
      cpus_(std::make_shared<TakenCpus>(taken_cpus_file)),
      kernels_(HOBBES_X86_KERNEL_BASE) {}

bool PiscesBridge::is_here() { return ::access("/dev/pisces", R_OK | W_OK) == 0; }

PiscesBridge::~PiscesBridge() {
  for (const auto& [base, block] : blocks_)
    if (const Status back = linux_memory_.give_back(base); !back) log::warning(back.error().text());
}

Status PiscesBridge::probe() {
  const Driver driver = TRY(Driver::open());
  TRY(kernels_.get(kernel_));
  if (const Status steady = check_tsc(); !steady) log::warning(steady.error().text());
  [[maybe_unused]] const std::uint64_t measured_now = tsc_hz();  // rather than in the first boot
  std::vector<CpuId> cpus;
  std::vector<std::string> devices;
  for (const EnclaveState& state : TRY(driver.states())) {
    cpus.insert(cpus.end(), state.cpus.begin(), state.cpus.end());
    for (const pisces_pci_address& address : state.devices) devices.push_back(name_of(address));
  }
  TRY(devices_.give_back_all_but(devices));
  return cpus_->give_back_all_but(cpus);
}

void PiscesBridge::know(const MemoryBlock& block) {
  const std::lock_guard lock(mutex_);
  blocks_[block.base] = block;
}

Result<MemoryBlock> PiscesBridge::find(std::uint64_t base) {
  const std::lock_guard lock(mutex_);
  const auto found = blocks_.find(base);
  if (found == blocks_.end()) return Error(Code::not_found, "memory block: there is none at that address");
  return found->second;
}

Result<std::vector<MemoryBlock>> PiscesBridge::provide_memory(Bytes amount, Bytes block_size) {
  const Bytes size = TRY(linux_memory_.block_size());
  if (block_size != size)
    return Error(Code::invalid, "--block-size: memory that is taken from Linux comes in blocks of " +
                                    std::to_string(size.value >> 20) + " MiB on this node");
  std::vector<MemoryBlock> blocks;
  for (const LinuxBlock& block : TRY(linux_memory_.take((amount.value + size.value - 1) / size.value))) {
    blocks.push_back(block_of(block));
    know(blocks.back());
  }
  return blocks;
}

Status PiscesBridge::give_memory_back(std::uint64_t base) {
  TRY(linux_memory_.give_back(base));
  const std::lock_guard lock(mutex_);
  blocks_.erase(base);
  return {};
}

Result<std::vector<MemoryBlock>> PiscesBridge::restore_memory(const std::vector<MemoryBlock>& known,
                                                              const std::vector<std::uint64_t>&) {
  // Those that are held are offline already.
  for (const MemoryBlock& block : known) {
    TRY(linux_memory_.take_block(block.base));
    know({block.base, block.size, block.numa, std::string(backing_text)});
  }
  return known;
}

Result<std::string> PiscesBridge::backing(std::uint64_t base) { return TRY(find(base)).backing; }

Status PiscesBridge::scrub(std::uint64_t base) {
  TRY(find(base));
  return {};
}

/// In the spec's order: the driver keeps the first block as the first.
Status PiscesBridge::give(const EnclaveDevice& device, const BootSpec& spec, std::vector<Cpu>& cpus) {
  for (const std::uint64_t base : spec.blocks) TRY(device.add_block(base, TRY(find(base)).size));
  for (const Cpu& cpu : spec.cpus) {
    TRY(cpus_->take(cpu.id));
    const auto apic_id = device.add_cpu(cpu.id);
    if (!apic_id) {
      if (const Status back = cpus_->give_back(cpu.id); !back) log::warning(back.error().text());
      return apic_id.error();
    }
    cpus.push_back({cpu.id, *apic_id, cpu.numa});
  }
  return {};
}

Status PiscesBridge::lay_out(const EnclaveDevice& device, const BootSpec& spec, const std::vector<Cpu>& cpus) {
  const auto kernel = TRY(kernels_.get(spec.kernel.empty() ? kernel_ : spec.kernel));
  Mapping initrd;
  if (!spec.initrd.empty()) initrd = TRY(read_content(spec.initrd, "initrd", max_initrd));
  std::vector<hobbes_boot_region> regions;
  for (const std::uint64_t base : spec.blocks) {
    const MemoryBlock block = TRY(find(base));
    regions.push_back({base, block.size.value, block.numa.value, -1});
  }
  const UniqueFd fd = TRY(device.open_block(regions[0].base, Bytes(regions[0].size)));
  Mapping memory = TRY(Mapping::shared(fd.get(), regions[0].size, PROT_READ | PROT_WRITE));
  BootBlockSpec block{.id = spec.id,
                      .name = spec.name,
                      .cmd_line = spec.cmd_line,
                      .cpus = cpus,
                      .regions = regions,
                      .now = sample_clocks(),
                      .schedule_hz = spec.schedule_hz};
  return write_boot_block(memory.bytes(), block, *kernel, initrd.bytes());
}

Result<std::unique_ptr<Machine>> PiscesBridge::start(const Driver& driver, const BootSpec& spec,
                                                     std::chrono::steady_clock::time_point deadline) {
  if (spec.blocks.empty()) return Error(Code::invalid, "boot: an enclave needs memory");
  if (spec.cpus.empty()) return Error(Code::invalid, "boot: an enclave needs a CPU");
  EnclaveDevice device = TRY(driver.create(spec.id));
  std::vector<Cpu> cpus;
  TRY(give(device, spec, cpus));
  TRY(lay_out(device, spec, cpus));
  TRY(device.boot(spec.blocks[0]));
  auto machine = TRY(PiscesMachine::create(std::move(device), cpus_));
  TRY(machine->wait_until_running(deadline));
  return std::unique_ptr<Machine>(std::move(machine));
}

Result<std::unique_ptr<Machine>> PiscesBridge::boot(const BootSpec& spec,
                                                    std::chrono::steady_clock::time_point deadline) {
  const Driver driver = TRY(Driver::open());
  auto machine = start(driver, spec, deadline);
  if (machine || machine.error().code() == Code::exists) return machine;
  const Error& why = machine.error();
  if (const Status cleaned = end(spec.id); !cleaned)
    return Error(why.code(), why.text() + "; cleaning up failed too: " + cleaned.error().text(), why.sys_errno());
  return machine;
}

Result<std::unique_ptr<Machine>> PiscesBridge::adopt(EnclaveId id, std::string_view adoption_record) {
  if (const EnclaveId of = TRY(PiscesMachine::parse_record(adoption_record)); of != id)
    return Error(Code::corrupt, "the adoption record is of enclave " + std::to_string(of.value) + ", not " +
                                    std::to_string(id.value));
  const Driver driver = TRY(Driver::open());
  auto machine = TRY(PiscesMachine::create(TRY(driver.find(id)), cpus_));
  if (machine->life() != Life::running) return Error(Code::not_found, "the enclave has ended");
  for (const MemoryFile& file : TRY(machine->memory_files()))
    know({file.base, file.size, any_numa, std::string(backing_text)});
  return std::unique_ptr<Machine>(std::move(machine));
}

Status PiscesBridge::end(EnclaveId id) {
  const Driver driver = TRY(Driver::open());
  const auto device = driver.find(id);
  if (!device) return device.error().code() == Code::not_found ? Status() : Status(device.error());
  const EnclaveState state = TRY(device->state());
  TRY(device->destroy());
  for (const pisces_pci_address& address : state.devices) TRY(devices_.give_back(name_of(address)));
  for (const CpuId cpu : state.cpus) TRY(cpus_->give_back(cpu));
  return {};
}

Status PiscesBridge::destroy(EnclaveId id, std::string_view) { return end(id); }
Status PiscesBridge::clean_up(EnclaveId id, const fs::path&) { return end(id); }

}  // namespace hobbes::bridge
