// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/linux/linux_cpus.hpp"

#include "kernel-bridge/linux/irq_affinity.hpp"

namespace hobbes::bridge {
namespace {

std::filesystem::path directory_of(CpuId cpu) { return "sys/devices/system/cpu/cpu" + std::to_string(cpu.value); }
std::filesystem::path switch_of(CpuId cpu) { return directory_of(cpu) / "online"; }
std::string name_of(CpuId cpu) { return "CPU " + std::to_string(cpu.value); }

}  // namespace

Result<bool> LinuxCpus::is_online(CpuId cpu) const {
  if (!files_.exists(directory_of(cpu))) return Error(Code::not_found, name_of(cpu) + ": this node has none");
  if (!files_.exists(switch_of(cpu)))
    return Error(Code::unsupported, name_of(cpu) + ": Linux cannot do without it: choose another");
  const std::string state = TRY(files_.read(switch_of(cpu)));
  return state.starts_with('1');
}

Status LinuxCpus::take(CpuId cpu) const {
  if (!TRY(is_online(cpu))) return {};
  IrqAffinity interrupts(files_);
  TRY(interrupts.move_off(cpu));
  if (auto offline = files_.write(switch_of(cpu), "0"); !offline)
    return std::move(offline).error().in(name_of(cpu) + ": Linux does not let go of it");
  interrupts.keep();
  return {};
}

Status LinuxCpus::give_back(CpuId cpu) const {
  if (TRY(is_online(cpu))) return {};
  if (auto online = files_.write(switch_of(cpu), "1"); !online)
    return std::move(online).error().in(name_of(cpu) + ": Linux does not take it back");
  return {};
}

}  // namespace hobbes::bridge
