// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/pisces/taken_cpus.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

#include "base/log.hpp"
#include "base/parse.hpp"

namespace hobbes::bridge {

Result<std::vector<CpuId>> TakenCpus::read() const {
  std::ifstream file(file_);
  std::string line;
  if (!file || !std::getline(file, line) || line.empty()) return std::vector<CpuId>();
  return parse_cpu_list(line, file_.string());
}

/// Whole or not at all: it is read after we were killed.
Status TakenCpus::write(const std::vector<CpuId>& cpus) const {
  std::error_code failure;
  if (cpus.empty()) {
    std::filesystem::remove(file_, failure);
    return {};
  }
  const std::filesystem::path next = file_.string() + ".new";
  std::ofstream file(next);
  file << format_cpu_list(cpus) << '\n';
  file.close();
  if (!file) return Error(Code::io, next.string() + ": cannot be written");
  std::filesystem::rename(next, file_, failure);
  return failure ? Status(errno_error(failure.value(), file_.string())) : Status();
}

Status TakenCpus::note(CpuId cpu) const {
  std::vector<CpuId> cpus = TRY(read());
  if (std::ranges::count(cpus, cpu) != 0) return {};
  cpus.push_back(cpu);
  std::ranges::sort(cpus);
  return write(cpus);
}

Status TakenCpus::forget(CpuId cpu) const {
  std::vector<CpuId> cpus = TRY(read());
  std::erase(cpus, cpu);
  return write(cpus);
}

Status TakenCpus::take(CpuId cpu) {
  const std::lock_guard lock(mutex_);
  if (!TRY(linux_cpus_.is_online(cpu)))
    return Error(Code::busy, "CPU " + std::to_string(cpu.value) + ": it is offline, but nobody of ours took it");
  TRY(note(cpu));
  Status taken = linux_cpus_.take(cpu);
  if (taken) return {};
  if (const Status forgotten = forget(cpu); !forgotten) log::warning(forgotten.error().text());
  return taken;
}

Status TakenCpus::give_back(CpuId cpu) {
  const std::lock_guard lock(mutex_);
  TRY(linux_cpus_.give_back(cpu));
  return forget(cpu);
}

Status TakenCpus::give_back_all_but(const std::vector<CpuId>& held) {
  const std::lock_guard lock(mutex_);
  for (const CpuId cpu : TRY(read())) {
    if (std::ranges::count(held, cpu) != 0) continue;
    TRY(linux_cpus_.give_back(cpu));
    TRY(forget(cpu));
  }
  return {};
}

}  // namespace hobbes::bridge
