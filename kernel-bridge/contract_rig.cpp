// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/contract_rig.hpp"

#include <sched.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "kernel-bridge/fake/fake_bridge.hpp"
#include "kernel-bridge/hosted/adoption_record.hpp"
#include "kernel-bridge/hosted/hosted_bridge.hpp"
#include "kernel-bridge/pisces/pisces_bridge.hpp"
#include "kernel-bridge/pisces/pisces_machine.hpp"

namespace hobbes::bridge {
namespace {

class FakeWorld final : public ContractWorld {
 public:
  [[nodiscard]] std::unique_ptr<Bridge> make_bridge() override { return std::make_unique<FakeBridge>(node_); }
  void kill(const Machine&) override {
    for (const EnclaveId id : node_->enclaves()) node_->kernel(id)->die();
  }
  [[nodiscard]] std::vector<Cpu> cpus() override { return {{CpuId(0), 0, NumaId(0)}, {CpuId(1), 1, NumaId(0)}}; }

 private:
  const std::shared_ptr<FakeNode> node_ = std::make_shared<FakeNode>();
};

class HostedWorld final : public ContractWorld {
 public:
  [[nodiscard]] std::unique_ptr<Bridge> make_bridge() override {
    return std::make_unique<HostedBridge>(find_hosted_config());
  }
  void kill(const Machine& machine) override {
    const ProcessId init = parse_adoption_record(machine.adoption_record()).value().init;
    REQUIRE(::kill(init.pid, SIGKILL) == 0);
  }
  [[nodiscard]] std::vector<Cpu> cpus() override {
    cpu_set_t ours;
    REQUIRE(::sched_getaffinity(0, sizeof ours, &ours) == 0);
    std::vector<Cpu> cpus;
    for (std::uint32_t id = 0; id < CPU_SETSIZE; ++id)
      if (CPU_ISSET(id, &ours)) cpus.push_back({CpuId(id), id, any_numa});
    return cpus;
  }
};

/// Inside of the rig's machine (tests/rig, scenario "contract") only.
class PiscesWorld final : public ContractWorld {
 public:
  [[nodiscard]] std::unique_ptr<Bridge> make_bridge() override {
    return std::make_unique<PiscesBridge>(find_bare_kernel());
  }
  void kill(const Machine& machine) override {
    const EnclaveId id = PiscesMachine::parse_record(machine.adoption_record()).value();
    REQUIRE(Driver::open().value().find(id).value().stop());
  }
  [[nodiscard]] std::vector<Cpu> cpus() override {
    return {{CpuId(1), 1, NumaId(0)}, {CpuId(2), 2, NumaId(1)}, {CpuId(3), 3, NumaId(1)}};
  }
  [[nodiscard]] bool shares_cpus() override { return false; }
};

std::string_view bridge_name() {
  const char* name = std::getenv("HOBBES_TEST_BRIDGE");
  REQUIRE(name != nullptr);
  return name;
}

std::unique_ptr<ContractWorld> make_world() {
  if (bridge_name() == "fake") return std::make_unique<FakeWorld>();
  if (bridge_name() == "pisces") return std::make_unique<PiscesWorld>();
  REQUIRE(bridge_name() == "hosted");
  return std::make_unique<HostedWorld>();
}

}  // namespace

ContractRig::ContractRig(Bytes memory)
    : world_(make_world()),
      bridge_(world_->make_bridge()),
      blocks_(bridge_->provide_memory(memory, block_size()).value()) {}

/// Linux's own blocks where they are taken from it.
Bytes ContractRig::block_size() { return bridge_name() == "pisces" ? mib(128) : mib(32); }

ContractRig::~ContractRig() {
  for (const Booted& booted : specs_) CHECK(bridge_->clean_up(booted.id, booted.run_dir));
}

BootSpec ContractRig::spec(EnclaveId id, const std::vector<std::size_t>& blocks) const {
  BootSpec spec;
  spec.id = id;
  spec.name = "enclave" + std::to_string(id.value);
  const std::vector<Cpu> cpus = world_->cpus();
  spec.cpus = {cpus.at(world_->shares_cpus() ? 0 : specs_.size() % cpus.size())};
  for (const std::size_t index : blocks) spec.blocks.push_back(blocks_.at(index).base);
  spec.run_dir = dir_.make(spec.name);
  specs_.push_back({id, spec.run_dir});
  return spec;
}

Result<std::unique_ptr<Machine>> ContractRig::boot(EnclaveId id, const std::vector<std::size_t>& blocks) {
  return bridge_->boot(spec(id, blocks), std::chrono::steady_clock::now() + std::chrono::seconds(60));
}

std::optional<Cpu> ContractRig::second_cpu() const {
  const std::vector<Cpu> cpus = world_->cpus();
  if (cpus.size() < 2) return std::nullopt;
  return cpus[1];
}

}  // namespace hobbes::bridge
