// SPDX-License-Identifier: Apache-2.0
// CPUs between the pool and enclaves.
#include "leviathan/resources/cpus.hpp"

#include <algorithm>
#include <cstring>

#include "base/parse.hpp"
#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/fault_point.hpp"
#include "leviathan/refusal.hpp"

namespace hobbes::leviathan::resources {
namespace {

Result<std::vector<db::Cpu>> cpus_of(Node& node, const db::Resources& resources) {
  const auto txn = TRY(node.db().read());
  std::vector<db::Cpu> cpus;
  for (const db::CpuKey key : resources.cpus) {
    auto cpu = TRY(txn.get<db::Cpu>(key));
    if (!cpu) return Error(Code::corrupt, "CPU " + std::to_string(key.id.value) + ": is in the journal only");
    cpus.push_back(*std::move(cpu));
  }
  return cpus;
}

Result<ControlQueue::Payload> tell(LiveEnclave& enclave, std::uint32_t code, const db::Cpu& cpu) {
  const hobbes_cpu_command command{cpu.id.value, cpu.apic_id, cpu.numa.value, 0};
  auto answer = enclave.control.call(code, cmdqueue::payload_of_struct(command), kernel_patience);
  if (!answer) return refusal_of("CPU " + std::to_string(cpu.id.value), answer.error());
  return answer;
}

/// Takes a CPU into a running enclave. Returns the number its kernel gave it.
Result<std::int32_t> take_in(LiveEnclave& enclave, const db::Cpu& cpu) {
  TRY(enclave.machine->add_cpu({cpu.id, cpu.apic_id, cpu.numa}));
  const auto answer = TRY(tell(enclave, HOBBES_CMD_ADD_CPU, cpu));
  std::int32_t logical_id = db::no_logical_id;
  if (answer.size() != sizeof logical_id) return Error(Code::corrupt, "CPU: the enclave's kernel gave it no number");
  std::memcpy(&logical_id, answer.data(), sizeof logical_id);
  return logical_id;
}

/// The number goes into the CPU's record, which is RESERVED still.
Status record_logical_id(Node& node, db::CpuKey key, std::int32_t logical_id) {
  auto txn = TRY(node.db().write());
  auto cpu = TRY(txn.get<db::Cpu>(key));
  if (!cpu) return Error(Code::corrupt, "CPU " + std::to_string(key.id.value) + ": is in the journal only");
  cpu->logical_id = logical_id;
  TRY(txn.put(*cpu));
  return std::move(txn).commit();
}

class CpuPlug final : public Plug {
 public:
  db::OperationKind assign_kind() const override { return db::OperationKind::assign_cpus; }
  db::OperationKind remove_kind() const override { return db::OperationKind::remove_cpus; }
  std::string_view assign_reserved() const override { return fault::assign_cpu_reserved; }
  std::string_view assign_plugged() const override { return fault::assign_cpu_plugged; }
  std::string_view remove_reserved() const override { return fault::remove_cpu_reserved; }
  std::string_view remove_unplugged() const override { return fault::remove_cpu_unplugged; }

  Status plug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    for (const db::Cpu& cpu : TRY(cpus_of(node, resources))) {
      // Linux knows its CPUs by one number only.
      const auto linuxs_id = static_cast<std::int32_t>(cpu.id.value);
      TRY(record_logical_id(node, cpu.key(), enclave == nullptr ? linuxs_id : TRY(take_in(*enclave, cpu))));
    }
    return {};
  }

  Status unplug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    if (enclave == nullptr) return {};
    for (const db::Cpu& cpu : TRY(cpus_of(node, resources))) {
      const auto told = tell(*enclave, HOBBES_CMD_REMOVE_CPU, cpu);
      if (!told && told.error().code() != Code::not_found) return told.error();
      const Status out = enclave->machine->remove_cpu(cpu.id);
      if (!out && out.error().code() != Code::not_found) return out;
    }
    return {};
  }
};

/// What it is called in messages: "2 CPUs (1,3)".
std::string text_of(const db::Resources& resources) {
  std::vector<CpuId> ids;
  for (const db::CpuKey& cpu : resources.cpus) ids.push_back(cpu.id);
  std::ranges::sort(ids);
  return std::to_string(ids.size()) + (ids.size() == 1 ? " cpu (" : " cpus (") + format_cpu_list(ids) + ")";
}

/// The CPU an enclave lives on: its kernel's first, the lowest of Linux's.
db::CpuKey home_of(const std::vector<db::Cpu>& cpus) {
  return std::ranges::min_element(cpus, {}, [](const db::Cpu& cpu) { return std::pair(cpu.logical_id, cpu.id); })->key();
}

Result<std::vector<db::Cpu>> cpus_of(Node& node, EnclaveId enclave) {
  const auto txn = TRY(node.db().read());
  auto cpus = TRY(txn.list_by_owner<db::Cpu>(enclave));
  std::erase_if(cpus, [](const db::Cpu& cpu) { return cpu.state != db::ResourceState::allocated; });
  return cpus;
}

Status check_wanted(const Target& from, const std::vector<db::Cpu>& held, const protocol::ChangeCpus& request) {
  for (const CpuId wanted : request.cpus) {
    const auto found = std::ranges::find(held, wanted, &db::Cpu::id);
    const std::string what = "CPU " + std::to_string(wanted.value) + ": ";
    if (found == held.end()) return Error(Code::not_found, what + "does not belong to enclave '" + from.name + "'");
    if (found->key() == home_of(held)) return Error(Code::busy, what + "is the one enclave '" + from.name + "' runs on");
  }
  return {};
}

/// Those asked for, or all that could go, the last ones first.
std::vector<db::Resources> candidates_of(std::vector<db::Cpu> held, const protocol::ChangeCpus& request) {
  if (held.empty()) return {};
  const db::CpuKey home = home_of(held);
  std::ranges::sort(held, std::ranges::greater(), &db::Cpu::logical_id);
  std::vector<db::Resources> candidates;
  for (const db::Cpu& cpu : held) {
    const bool wanted = request.cpus.empty() ? request.numa == any_numa || cpu.numa == request.numa
                                             : std::ranges::find(request.cpus, cpu.id) != request.cpus.end();
    if (wanted && cpu.key() != home) candidates.push_back({{cpu.key()}, {}, {}});
  }
  return candidates;
}

std::size_t count_of(const protocol::ChangeCpus& request) {
  return request.cpus.empty() ? request.count : request.cpus.size();
}

Status check_count(const protocol::ChangeCpus& request) {
  return count_of(request) == 0 ? Status(Error(Code::invalid, "CPUs: a count of 0 asks for nothing")) : Status();
}

}  // namespace

const Plug& cpu_plug() {
  static const CpuPlug plug;
  return plug;
}

Result<std::string> assign_cpus(Node& node, const protocol::ChangeCpus& request) {
  TRY(check_count(request));
  const auto to = TRY(target(node, request.enclave));
  const auto given = TRY(assign(node, to, cpu_plug(), [&](Chooser& chooser) {
    return request.cpus.empty() ? chooser.cpus(request.count, request.numa) : chooser.cpus(request.cpus);
  }));
  return "Assigned " + text_of(given) + " to enclave " + to.name;
}

Result<std::string> remove_cpus(Node& node, const protocol::ChangeCpus& request) {
  TRY(check_count(request));
  const auto from = TRY(target(node, request.enclave));
  const auto held = TRY(cpus_of(node, from.id));
  TRY(check_wanted(from, held, request));
  const auto candidates = candidates_of(held, request);
  if (candidates.size() < count_of(request)) {
    return Error(Code::exhausted,
                 "enclave '" + from.name + "': " + std::to_string(candidates.size()) +
                     " of its CPUs can be removed, the one it booted on stays");
  }
  const auto taken = TRY(remove(node, from, cpu_plug(), candidates, count_of(request)));
  return "Removed " + text_of(taken) + " from enclave " + from.name;
}

}  // namespace hobbes::leviathan::resources
