// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/pisces.hpp"

#include <algorithm>
#include <array>

#include "base/parse.hpp"
#include "leviathan/descriptor/element.hpp"

namespace hobbes::descriptor {
namespace {

using namespace std::string_view_literals;

/// Far above any machine, far below where adding sizes up could overflow.
constexpr Bytes max_memory = gib(1 << 20);
constexpr std::size_t max_requests = 4096;
constexpr std::size_t max_cmd_line = 1023;
constexpr std::uint64_t max_schedule_hz = 10000;
constexpr std::int64_t max_numa = 1023;
constexpr std::uint64_t max_cpu = 65535;

constexpr std::array bridges = {BridgeKind::hosted, BridgeKind::pisces, BridgeKind::kvm};
constexpr std::array host_io_modes = {HostIoMode::none, HostIoMode::files, HostIoMode::all};

/// The one of `known` that is called `text`.
template <typename Enum, std::size_t n>
Result<Enum> parse_word(std::string_view text, std::string_view what, const std::array<Enum, n>& known) {
  std::string names;
  for (const Enum candidate : known) {
    if (to_string(candidate) == text) return candidate;
    names += (names.empty() ? "" : ", ") + std::string(to_string(candidate));
  }
  return Error(Code::invalid, std::string(what) + " '" + std::string(text) + "' is none of " + names);
}

Result<NumaId> read_numa(const Element& element) {
  const auto text = element.value("numa");
  if (!text) return any_numa;
  const auto node = TRY(element.located("numa", parse_i64(*text, "NUMA node", any_numa.value, max_numa)));
  return NumaId(static_cast<std::int32_t>(node));
}

/// Attribute or child `name` as a size in MiB; absent: nothing.
Result<std::optional<Bytes>> read_size(const Element& element, std::string_view name) {
  const auto text = element.value(name);
  if (!text) return std::optional<Bytes>();
  const Bytes size = TRY(element.located(name, parse_size(*text, name, mib(1))));
  if (size == Bytes(0)) return element.refusal_at(name, std::string(name) + " must be more than 0");
  if (size > max_memory) return element.refusal_at(name, std::string(name) + " '" + *text + "' is out of range");
  return std::optional<Bytes>(size);
}

Result<CpuId> read_cpu(const Element& element, std::string_view value, std::string_view text) {
  const auto cpu = TRY(element.located(value, parse_u64(text, "CPU", 0, max_cpu)));
  return CpuId(static_cast<std::uint32_t>(cpu));
}

Status read_boot_memory(const Element& memory, BootEnv& boot) {
  static constexpr std::array values = {"size"sv};
  TRY(memory.check({.values = values, .children = {}, .has_text = true}));
  boot.memory_size = TRY(read_size(memory, "size")).value_or(Bytes(0));
  if (const auto base = memory.text(); !base.empty())
    boot.memory_base = TRY(memory.located("", parse_u64(base, "physical address")));
  return {};
}

Status read_boot_env(const Element& element, BootEnv& boot) {
  static constexpr std::array values = {"numa"sv, "cpu"sv};
  static constexpr std::array children = {"memory"sv};
  TRY(element.check({.values = values, .children = children}));
  boot.numa = TRY(read_numa(element));
  if (const auto cpu = element.value("cpu")) boot.cpu = TRY(read_cpu(element, "cpu", *cpu));
  if (const auto memory = TRY(element.child("memory"))) TRY(read_boot_memory(*memory, boot));
  return {};
}

Result<MemoryRequest> read_memory(const Element& element) {
  static constexpr std::array values = {"size"sv, "block_size"sv, "numa"sv, "base_addr"sv};
  TRY(element.check({.values = values, .children = {}}));
  MemoryRequest request;
  const auto size = TRY(read_size(element, "size"));
  if (!size) return element.refusal("size is missing");
  request.size = *size;
  request.block_size = TRY(read_size(element, "block_size"));
  request.numa = TRY(read_numa(element));
  if (const auto base = element.value("base_addr"))
    request.base_addr = TRY(element.located("base_addr", parse_u64(*base, "base_addr")));
  return request;
}

Status read_core(const Element& element, PiscesDescriptor& enclave) {
  TRY(element.check({.values = {}, .children = {}, .has_text = true}));
  const CpuId cpu = TRY(read_cpu(element, "", element.text()));
  if (std::find(enclave.cores.begin(), enclave.cores.end(), cpu) != enclave.cores.end())
    return element.refusal("CPU " + std::to_string(cpu.value) + " is listed twice");
  if (cpu == enclave.boot_env.cpu)
    return element.refusal("CPU " + std::to_string(cpu.value) + " is the boot CPU already");
  enclave.cores.push_back(cpu);
  return {};
}

Result<CpuCount> read_cores(const Element& element) {
  static constexpr std::array values = {"numa"sv};
  TRY(element.check({.values = values, .children = {}, .has_text = true}));
  CpuCount request;
  request.count = TRY(element.located("", parse_u64(element.text(), "number of CPUs", 1, max_cpu)));
  request.numa = TRY(read_numa(element));
  return request;
}

Status read_cpus(const Element& element, PiscesDescriptor& enclave) {
  static constexpr std::array children = {"core"sv, "cores"sv};
  TRY(element.check({.values = {}, .children = children}));
  for (const Element& core : element.children("core")) TRY(read_core(core, enclave));
  for (const Element& cores : element.children("cores")) enclave.core_counts.push_back(TRY(read_cores(cores)));
  return {};
}

Status read_host_io(const Element& element, HostIo& host_io) {
  static constexpr std::array values = {"mode"sv, "root"sv};
  TRY(element.check({.values = values, .children = {}}));
  if (const auto mode = element.value("mode"))
    host_io.mode = TRY(element.located("mode", parse_word(*mode, "mode", host_io_modes)));
  if (const auto root = element.value("root")) {
    if (!root->starts_with('/')) return element.refusal_at("root", "root '" + *root + "' is not an absolute path");
    host_io.root = *root;
  }
  return {};
}

/// Elements that old descriptors carry and that mean nothing here: they may stay as long as they ask for nothing.
Status read_unused(const Element& root) {
  for (const auto name : {"files"sv, "devices"sv})
    for (const Element& element : root.children(name))
      if (!element.empty()) return element.refusal("not supported for this kind of enclave: leave it empty or out");
  if (root.value("init_task"))
    return root.refusal_at("init_task", "init_task is not used by this co-kernel: its control task is built in");
  return {};
}

Status read_root_values(const Element& root, PiscesDescriptor& enclave) {
  enclave.name = root.value("name").value_or("");
  enclave.owner = root.value("owner").value_or("");
  enclave.kernel = root.value("kernel").value_or("");
  enclave.cmd_line = root.value("cmd_line").value_or("");
  if (enclave.cmd_line.size() > max_cmd_line)
    return root.refusal_at("cmd_line", "cmd_line is longer than " + std::to_string(max_cmd_line) + " bytes");
  if (const auto hz = root.value("schedule_hz"))
    enclave.schedule_hz = static_cast<std::uint32_t>(
        TRY(root.located("schedule_hz", parse_u64(*hz, "schedule_hz", 1, max_schedule_hz))));
  if (const auto bridge = root.value("bridge"))
    enclave.bridge = TRY(root.located("bridge", parse_word(*bridge, "bridge", bridges)));
  return {};
}

}  // namespace

std::string_view to_string(BridgeKind kind) {
  switch (kind) {
    case BridgeKind::hosted: return "hosted";
    case BridgeKind::pisces: return "pisces";
    case BridgeKind::kvm: return "kvm";
  }
  return "unknown";
}

std::string_view to_string(HostIoMode mode) {
  switch (mode) {
    case HostIoMode::none: return "none";
    case HostIoMode::files: return "files";
    case HostIoMode::all: return "all";
  }
  return "unknown";
}

Result<PiscesDescriptor> parse_pisces(std::string_view xml, std::string_view file) {
  static constexpr std::array values = {"name"sv, "owner"sv, "bridge"sv, "kernel"sv, "init_task"sv, "cmd_line"sv, "schedule_hz"sv};
  static constexpr std::array children = {"boot_env"sv, "memory"sv, "cpus"sv, "host_io"sv, "files"sv, "devices"sv};
  const auto document = TRY(Document::parse(xml, file, "pisces"));
  const Element root = document.root();
  TRY(root.check({.values = values, .children = children}));

  PiscesDescriptor enclave;
  TRY(read_root_values(root, enclave));
  TRY(read_unused(root));
  if (const auto boot_env = TRY(root.child("boot_env"))) TRY(read_boot_env(*boot_env, enclave.boot_env));
  for (const Element& memory : root.children("memory")) {
    if (enclave.memory.size() == max_requests) return memory.refusal("too many <memory> elements");
    enclave.memory.push_back(TRY(read_memory(memory)));
  }
  for (const Element& cpus : root.children("cpus")) TRY(read_cpus(cpus, enclave));
  if (const auto host_io = TRY(root.child("host_io"))) TRY(read_host_io(*host_io, enclave.host_io));
  return enclave;
}

}  // namespace hobbes::descriptor
