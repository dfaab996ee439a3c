// SPDX-License-Identifier: Apache-2.0
// What holds for every bridge. HOBBES_TEST_BRIDGE chooses it: "fake", or with a real co-kernel
// "hosted", or "pisces" (in the rig).
#include <catch2/catch.hpp>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/mapping.hpp"
#include "cmdqueue/client_end.hpp"
#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/abi/console.h"
#include "kernel-bridge/abi/queue.h"
#include "kernel-bridge/contract_rig.hpp"

namespace hobbes::bridge {
namespace {

using namespace std::chrono_literals;

/// Long enough that only a hang reaches it.
cmdqueue::Deadline patience() { return cmdqueue::within(60s); }

/// leviathan's end of an enclave's control queue.
cmdqueue::ClientEnd connect(Machine& machine) {
  auto queue = cmdqueue::QueueMemory::open({machine.control_queue(), machine.control_queue_size().value}).value();
  cmdqueue::Bells bells{cmdqueue::Doorbell::event_fd(UniqueFd(::dup(machine.control_bell()))).value(),
                        cmdqueue::Doorbell::call([&machine] { machine.ring_control(); })};
  return {std::move(queue), std::move(bells), cmdqueue::PeerWatch::process(machine.death_fd())};
}

Result<std::string> ping(cmdqueue::ClientEnd& queue, std::string_view text) {
  const cmdqueue::Reply reply = TRY(queue.call(HOBBES_CMD_PING, cmdqueue::payload_of(text), patience()));
  return std::string(cmdqueue::text_of(reply.payload));
}

bool has_died(const Machine& machine, int patience_ms) {
  pollfd watched{machine.death_fd(), POLLIN, 0};
  return ::poll(&watched, 1, patience_ms) == 1;
}

constexpr int patience_ms = 60'000;

std::vector<std::uint64_t> bases_of(Machine& machine) {
  const std::vector<MemoryFile> files = machine.memory_files().value();
  std::vector<std::uint64_t> bases;
  for (const MemoryFile& file : files) bases.push_back(file.base);
  std::ranges::sort(bases);
  return bases;
}

/// Whether the block's bytes are zero, seen through the descriptor of an enclave that holds it.
bool is_zero(Machine& machine, std::uint64_t base) {
  const std::vector<MemoryFile> files = machine.memory_files().value();
  const auto file = std::ranges::find(files, base, &MemoryFile::base);
  REQUIRE(file != files.end());
  const Mapping mapping = Mapping::shared(file->fd.get(), file->size.value, PROT_READ).value();
  return std::ranges::all_of(mapping.bytes(), [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

TEST_CASE("the bridge works here", "[contract]") {
  ContractRig rig;
  const Status usable = rig.bridge().probe();
  INFO((usable ? "" : usable.error().text()));
  CHECK(usable);
}

TEST_CASE("memory comes in whole blocks that do not overlap", "[contract]") {
  ContractRig rig(ContractRig::block_size() * 2 + Bytes(1));
  std::vector<MemoryBlock> blocks = rig.blocks();
  REQUIRE(blocks.size() == 3);
  std::ranges::sort(blocks, {}, &MemoryBlock::base);
  CHECK(blocks[0].base != 0);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CHECK(blocks[i].size == ContractRig::block_size());
    if (i > 0) CHECK(blocks[i - 1].base + blocks[i - 1].size.value <= blocks[i].base);
    CHECK_FALSE(rig.bridge().backing(blocks[i].base).value().empty());
  }
  CHECK(rig.bridge().backing(blocks[2].base + ContractRig::block_size().value).error().code() == Code::not_found);
}

TEST_CASE("a block size the bridge cannot make is refused", "[contract]") {
  ContractRig rig;
  const auto bridge = rig.restarted_bridge();
  CHECK(bridge->provide_memory(mib(3), mib(3)).error().code() == Code::invalid);
  CHECK(bridge->provide_memory(mib(2), Bytes(0)).error().code() == Code::invalid);
}

TEST_CASE("a booted enclave answers on its control queue", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  CHECK(machine->life() == Life::running);
  CHECK(machine->crash_reason().empty());
  CHECK_FALSE(has_died(*machine, 0));
  CHECK(reinterpret_cast<const hobbes_console*>(machine->console())->magic == HOBBES_CONSOLE_MAGIC);
  auto queue = connect(*machine);
  CHECK(ping(queue, "hello").value() == "hello");
  const auto unknown = queue.call(4999, {}, patience());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == Code::unsupported);
  CHECK(ping(queue, "still there").value() == "still there");
}

TEST_CASE("enclaves run side by side and end apart", "[contract]") {
  ContractRig rig;
  const auto first = rig.boot(EnclaveId(1), {0}).value();
  const auto second = rig.boot(EnclaveId(2), {1}).value();
  REQUIRE(rig.bridge().destroy(EnclaveId(1), first->adoption_record()));
  CHECK(has_died(*first, patience_ms));
  CHECK(second->life() == Life::running);
  auto queue = connect(*second);
  CHECK(ping(queue, "alone").value() == "alone");
}

TEST_CASE("a boot that cannot be leaves nothing", "[contract]") {
  ContractRig rig;
  BootSpec spec = rig.spec(EnclaveId(1), {0});
  SECTION("without memory") { spec.blocks.clear(); }
  SECTION("without a CPU") { spec.cpus.clear(); }
  SECTION("with a block that is not there") { spec.blocks.push_back(1); }
  CHECK_FALSE(rig.bridge().boot(spec, patience()));
  CHECK(std::filesystem::is_empty(spec.run_dir));
  CHECK(rig.boot(EnclaveId(2), {0}));
}

TEST_CASE("an enclave that shuts down has stopped, not crashed", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  auto queue = connect(*machine);
  REQUIRE(queue.call(HOBBES_CMD_SHUTDOWN, {}, patience()));
  REQUIRE(has_died(*machine, patience_ms));
  CHECK(machine->life() == Life::stopped);
  CHECK(machine->crash_reason().empty());
  CHECK(rig.bridge().destroy(EnclaveId(1), machine->adoption_record()));
}

TEST_CASE("an enclave that is killed has crashed, and says how", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  rig.kill(*machine);
  REQUIRE(has_died(*machine, patience_ms));
  CHECK(machine->life() == Life::crashed);
  CHECK_FALSE(machine->crash_reason().empty());
  CHECK(machine->add_memory(rig.blocks()[1]).error().code() == Code::unavailable);
  CHECK(rig.bridge().adopt(EnclaveId(1), machine->adoption_record()).error().code() == Code::not_found);
  CHECK(rig.bridge().destroy(EnclaveId(1), machine->adoption_record()));
  CHECK(rig.bridge().destroy(EnclaveId(1), machine->adoption_record()));
}

TEST_CASE("memory goes into an enclave and comes back", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  auto queue = connect(*machine);
  const std::vector<std::uint64_t> first = {rig.blocks()[0].base};
  const std::vector<std::uint64_t> both = {rig.blocks()[0].base, rig.blocks()[1].base};
  CHECK(bases_of(*machine) == first);

  const MemoryBlock& block = rig.blocks()[1];
  const hobbes_memory_command command{block.base, block.size.value, -1, 0};
  REQUIRE(machine->add_memory(block));
  CHECK(bases_of(*machine) == both);
  REQUIRE(queue.call(HOBBES_CMD_ADD_MEM, cmdqueue::payload_of_struct(command), patience()));
  REQUIRE(queue.call(HOBBES_CMD_REMOVE_MEM, cmdqueue::payload_of_struct(command), patience()));
  REQUIRE(machine->remove_memory(block.base));
  CHECK(bases_of(*machine) == first);

  CHECK(machine->remove_memory(block.base).error().code() == Code::not_found);
  CHECK(machine->remove_memory(first[0]).error().code() == Code::invalid);
  CHECK(ping(queue, "unharmed").value() == "unharmed");
}

TEST_CASE("a CPU goes into an enclave and comes back", "[contract]") {
  ContractRig rig;
  const std::optional<Cpu> more = rig.second_cpu();
  if (!more) {
    WARN("skipped: there is one CPU only");
    return;
  }
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  auto queue = connect(*machine);
  const hobbes_cpu_command command{more->id.value, more->apic_id, more->numa.value, 0};
  REQUIRE(machine->add_cpu(*more));
  const auto added = queue.call(HOBBES_CMD_ADD_CPU, cmdqueue::payload_of_struct(command), patience());
  REQUIRE(added);
  CHECK(added->payload.size() == sizeof(std::int32_t));
  REQUIRE(queue.call(HOBBES_CMD_REMOVE_CPU, cmdqueue::payload_of_struct(command), patience()));
  REQUIRE(machine->remove_cpu(more->id));
  CHECK(ping(queue, "unharmed").value() == "unharmed");
}

TEST_CASE("a block that came back is zero for the next enclave", "[contract]") {
  ContractRig rig;
  {
    const auto machine = rig.boot(EnclaveId(1), {0, 1}).value();
    const std::vector<MemoryFile> files = machine->memory_files().value();
    for (const MemoryFile& file : files)
      Mapping::shared(file.fd.get(), file.size.value, PROT_READ | PROT_WRITE).value().bytes().back() = std::byte{1};
    REQUIRE(rig.bridge().destroy(EnclaveId(1), machine->adoption_record()));
  }
  for (const std::size_t index : {0u, 1u}) REQUIRE(rig.bridge().scrub(rig.blocks()[index].base));
  CHECK(rig.bridge().scrub(1).error().code() == Code::not_found);

  const auto machine = rig.boot(EnclaveId(2), {2}).value();
  for (const std::size_t index : {0u, 1u}) {
    INFO("block " << index);
    // Plugged in only: the kernel does not know of it yet.
    REQUIRE(machine->add_memory(rig.blocks()[index]));
    CHECK(is_zero(*machine, rig.blocks()[index].base));
  }
}

TEST_CASE("a later leviathan adopts what runs and goes on where the queue stands", "[contract]") {
  ContractRig rig;
  auto machine = rig.boot(EnclaveId(1), {0}).value();
  REQUIRE(machine->add_memory(rig.blocks()[1]));
  const std::string record = machine->adoption_record();
  {
    auto queue = connect(*machine);
    REQUIRE(ping(queue, "before"));
  }
  machine.reset();

  const auto next = rig.restarted_bridge();
  auto adopted = next->adopt(EnclaveId(1), record).value();
  CHECK(adopted->life() == Life::running);
  CHECK(adopted->adoption_record() == record);
  CHECK(bases_of(*adopted) == std::vector<std::uint64_t>{rig.blocks()[0].base, rig.blocks()[1].base});
  REQUIRE(next->restore_memory(rig.blocks(), {rig.blocks()[0].base, rig.blocks()[1].base}));
  auto queue = connect(*adopted);
  CHECK(ping(queue, "after").value() == "after");

  REQUIRE(next->destroy(EnclaveId(1), record));
  for (const MemoryBlock& block : rig.blocks()) CHECK(next->scrub(block.base));
}

TEST_CASE("nothing is adopted by a record that is not the enclave's", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  CHECK(rig.bridge().adopt(EnclaveId(1), "nonsense").error().code() == Code::corrupt);
  CHECK(rig.bridge().adopt(EnclaveId(2), machine->adoption_record()).error().code() == Code::corrupt);
  REQUIRE(rig.bridge().destroy(EnclaveId(1), machine->adoption_record()));
  CHECK(rig.bridge().adopt(EnclaveId(1), machine->adoption_record()).error().code() == Code::not_found);
}

TEST_CASE("clean_up ends a boot of which only the run directory is known", "[contract]") {
  ContractRig rig;
  const BootSpec spec = rig.spec(EnclaveId(1), {0});
  CHECK(rig.bridge().clean_up(spec.id, spec.run_dir));
  const auto machine = rig.bridge().boot(spec, patience()).value();
  const auto next = rig.restarted_bridge();
  REQUIRE(next->clean_up(spec.id, spec.run_dir));
  CHECK(has_died(*machine, 0));
  CHECK(std::filesystem::is_empty(spec.run_dir));
  CHECK(next->clean_up(spec.id, spec.run_dir));
}

TEST_CASE("following the clocks does not disturb an enclave", "[contract]") {
  ContractRig rig;
  const auto machine = rig.boot(EnclaveId(1), {0}).value();
  auto queue = connect(*machine);
  for (int i = 0; i < 3; ++i) {
    machine->update_clock();
    machine->ring_control();
    machine->ring_console();
    CHECK(ping(queue, "tick").value() == "tick");
  }
}

}  // namespace hobbes::bridge
