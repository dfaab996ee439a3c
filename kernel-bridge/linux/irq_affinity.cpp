// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/linux/irq_affinity.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/parse.hpp"

namespace hobbes::bridge {
namespace {

const std::filesystem::path irqs = "proc/irq";

std::vector<CpuId> without(std::vector<CpuId> cpus, CpuId cpu) {
  std::erase(cpus, cpu);
  return cpus;
}

}  // namespace

IrqAffinity::~IrqAffinity() {
  for (const Moved& moved : moved_)
    if (const Status back = files_.write(moved.file, moved.before); !back) log::warning(back.error().text());
}

Status IrqAffinity::move_off(CpuId cpu) {
  const auto online = TRY(parse_cpu_list(TRY(files_.read("sys/devices/system/cpu/online")), "online CPUs"));
  const std::vector<CpuId> others = without(online, cpu);
  for (const std::uint64_t number : files_.numbered(irqs, "")) {
    const auto file = irqs / std::to_string(number) / "smp_affinity_list";
    const auto before = files_.read(file);
    if (!before || before->empty()) continue;  // gone meanwhile, or of no CPU
    const auto cpus = TRY(parse_cpu_list(*before, file.string()));
    if (std::ranges::count(cpus, cpu) == 0) continue;
    const std::vector<CpuId> rest = without(cpus, cpu);
    if (files_.write(file, format_cpu_list(rest.empty() ? others : rest))) moved_.push_back({file, *before});
  }
  return {};
}

}  // namespace hobbes::bridge
