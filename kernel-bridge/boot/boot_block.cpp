// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/boot_block.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "cmdqueue/queue_memory.hpp"
#include "kernel-bridge/abi/console.h"

namespace hobbes::bridge {
namespace {

constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t page_up(std::uint64_t value) { return (value + page_size - 1) / page_size * page_size; }

constexpr cmdqueue::RingSizes control_rings{kib(512), kib(512)};
constexpr std::uint64_t control_offset = HOBBES_BOOT_PARAMS_SIZE;
/// Behind everything the kernel may be given.
constexpr std::uint64_t initrd_offset = HOBBES_BOOT_KERNEL_OFFSET + HOBBES_BOOT_KERNEL_LIMIT;

std::uint64_t control_size() { return page_up(cmdqueue::queue_size(control_rings).value); }
constexpr std::uint64_t console_size() { return page_up(sizeof(hobbes_console)); }

template <std::size_t size>
Status copy_text(char (&to)[size], std::string_view text, std::string_view what) {
  if (text.size() >= size)
    return Error(Code::invalid, std::string(what) + ": longer than " + std::to_string(size - 1) + " characters");
  std::ranges::copy(text, to);
  to[text.size()] = '\0';
  return {};
}

Status check_spec(std::span<const std::byte> block, const BootBlockSpec& spec, std::size_t initrd_size) {
  if (spec.cpus.empty()) return Error(Code::invalid, "boot: an enclave needs a CPU");
  if (spec.cpus.size() > HOBBES_BOOT_MAX_CPUS)
    return Error(Code::invalid, "boot: more than " + std::to_string(HOBBES_BOOT_MAX_CPUS) + " CPUs");
  if (spec.regions.size() > HOBBES_BOOT_MAX_REGIONS)
    return Error(Code::invalid, "boot: more than " + std::to_string(HOBBES_BOOT_MAX_REGIONS) + " memory blocks");
  if (block.size() < initrd_offset || block.size() - initrd_offset < initrd_size)
    return Error(Code::exhausted, "boot: kernel and initrd need " + std::to_string(initrd_offset + initrd_size) +
                                      " bytes in one memory block, which has " + std::to_string(block.size()) +
                                      ": choose a larger block size");
  return {};
}

Status write_params(hobbes_boot_params& params, const BootBlockSpec& spec) {
  params.version = HOBBES_BOOT_VERSION;
  params.size = sizeof params;
  params.enclave_id = spec.id.value;
  params.tsc_hz = tsc_hz();
  params.machine_fd = spec.machine_fd;
  params.lending_fd = spec.lending_fd;
  params.schedule_hz = spec.schedule_hz;
  params.clock = first_line(spec.now, params.tsc_hz);
  if (::getrandom(params.entropy, sizeof params.entropy, 0) != sizeof params.entropy)
    return last_errno("boot: entropy");
  TRY(copy_text(params.name, spec.name, "enclave name"));
  return copy_text(params.cmd_line, spec.cmd_line, "kernel command line");
}

void write_hardware(hobbes_boot_params& params, const BootBlockSpec& spec) {
  params.cpu_count = static_cast<std::uint32_t>(spec.cpus.size());
  std::ranges::transform(spec.cpus, params.cpus, [](const Cpu& cpu) {
    return hobbes_boot_cpu{cpu.id.value, cpu.apic_id, cpu.numa.value, 0};
  });
  params.region_count = static_cast<std::uint32_t>(spec.regions.size());
  std::ranges::copy(spec.regions, params.regions);
}

Status write_channels(std::span<std::byte> block, hobbes_boot_params& params, const BootBlockSpec& spec) {
  const std::uint64_t base = spec.regions[0].base;
  const std::uint64_t console_offset = control_offset + control_size();
  TRY(cmdqueue::QueueMemory::format(block.subspan(control_offset, control_size()), control_rings));
  reinterpret_cast<hobbes_console*>(block.data() + console_offset)->magic = HOBBES_CONSOLE_MAGIC;
  params.channels[0] = {HOBBES_CHANNEL_CONTROL, spec.control_bell, base + control_offset, control_size()};
  params.channels[1] = {HOBBES_CHANNEL_CONSOLE, spec.console_bell, base + console_offset, console_size()};
  params.channel_count = 2;
  return {};
}

/// The channel's memory; empty when the table does not have it, or places it outside of the block.
std::span<std::byte> find_channel(std::span<std::byte> block, std::uint64_t base, const hobbes_boot_params& params,
                                  std::uint32_t kind, std::uint64_t least_size) {
  const std::uint32_t count = std::min(params.channel_count, HOBBES_BOOT_MAX_CHANNELS);
  for (std::uint32_t i = 0; i < count; ++i) {
    const hobbes_boot_channel channel = params.channels[i];
    if (channel.kind != kind) continue;
    if (channel.base < base || channel.base % page_size != 0 || channel.size < least_size) continue;
    const std::uint64_t offset = channel.base - base;
    if (offset > block.size() || channel.size > block.size() - offset) continue;
    return block.subspan(offset, channel.size);
  }
  return {};
}

}  // namespace

Status write_boot_block(std::span<std::byte> block, const BootBlockSpec& spec, const KernelImage& kernel,
                        std::span<const std::byte> initrd) {
  TRY(check_spec(block, spec, initrd.size()));
  auto& params = *reinterpret_cast<hobbes_boot_params*>(block.data());
  TRY(write_params(params, spec));
  write_hardware(params, spec);
  TRY(write_channels(block, params, spec));

  const std::uint64_t base = spec.regions[0].base;
  kernel.copy_to(block.subspan(HOBBES_BOOT_KERNEL_OFFSET, HOBBES_BOOT_KERNEL_LIMIT));
  params.kernel_base = base + HOBBES_BOOT_KERNEL_OFFSET;
  params.kernel_size = kernel.layout().size.value;
  params.kernel_text = kernel.layout().text.value;
  params.kernel_entry = kernel.layout().entry;
  if (!initrd.empty()) {
    std::ranges::copy(initrd, block.subspan(initrd_offset).begin());
    params.initrd_base = base + initrd_offset;
    params.initrd_size = initrd.size();
  }
  params.magic = HOBBES_BOOT_MAGIC;
  return {};
}

Result<BootBlock> find_boot_block(std::span<std::byte> block, std::uint64_t base) {
  if (block.size() < initrd_offset) return Error(Code::corrupt, "boot block: too small to be one");
  auto& params = *reinterpret_cast<hobbes_boot_params*>(block.data());
  if (params.magic != HOBBES_BOOT_MAGIC)
    return Error(Code::corrupt, "boot block: it does not start with the magic number");
  if (params.version != HOBBES_BOOT_VERSION)
    return Error(Code::unsupported, "boot block: version " + std::to_string(params.version) +
                                        " of the boot protocol, not " + std::to_string(HOBBES_BOOT_VERSION));
  const BootBlock found{
      &params, find_channel(block, base, params, HOBBES_CHANNEL_CONTROL, sizeof(hobbes_queue_header)),
      find_channel(block, base, params, HOBBES_CHANNEL_CONSOLE, sizeof(hobbes_console))};
  if (found.control_queue.empty()) return Error(Code::corrupt, "boot block: it has no control queue");
  if (found.console.empty()) return Error(Code::corrupt, "boot block: it has no console");
  return found;
}

std::string crash_text(const hobbes_boot_params& params) {
  std::string line(params.crash.text, ::strnlen(params.crash.text, sizeof params.crash.text));
  std::ranges::replace_if(line, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return line;
}

}  // namespace hobbes::bridge
