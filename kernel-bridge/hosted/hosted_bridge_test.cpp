// SPDX-License-Identifier: Apache-2.0
// The hosted bridge with a kernel that misbehaves on demand (test_kernel/): boots that fail in every way must say how
// and leave nothing. What holds for every bridge is in ../contract_test.cpp.
#include "kernel-bridge/hosted/hosted_bridge.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/mapping.hpp"
#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/hosted/adoption_record.hpp"
#include "kernel-bridge/hosted/run_files.hpp"
#include "base/test_dir.hpp"

namespace hobbes::bridge {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;
using Clock = std::chrono::steady_clock;

constexpr Bytes block_size = mib(8);

/// Long enough that only a hang reaches it.
Clock::time_point patience() { return Clock::now() + 60s; }

HostedConfig test_config() {
  const char* loader = std::getenv("HOBBES_BOOT_LOADER");
  const char* kernel = std::getenv("HOBBES_TEST_KERNEL");
  REQUIRE(loader != nullptr);
  REQUIRE(kernel != nullptr);
  return {loader, kernel};
}

struct Rig {
  TestDir dir;
  HostedBridge bridge{test_config()};
  std::vector<MemoryBlock> blocks = bridge.provide_memory(block_size * 2, block_size).value();

  [[nodiscard]] BootSpec spec(std::string command, std::string_view run_dir = "1") const {
    BootSpec spec;
    spec.id = EnclaveId(1);
    spec.name = "test";
    spec.cmd_line = std::move(command);
    spec.cpus = {{CpuId(0), 0, NumaId(0)}};
    spec.blocks = {blocks[0].base};
    spec.run_dir = dir.make(run_dir);
    // An ordinary user where we can become one.
    spec.uid = 65534;
    spec.gid = 65534;
    return spec;
  }
  [[nodiscard]] bool is_zero(std::uint64_t base, Machine& machine) const {
    const std::vector<MemoryFile> files = machine.memory_files().value();
    for (const MemoryFile& file : files) {
      if (file.base != base) continue;
      const Mapping mapping = Mapping::shared(file.fd.get(), file.size.value, PROT_READ).value();
      return std::ranges::all_of(mapping.bytes(), [](std::byte byte) { return byte == std::byte{0}; });
    }
    return false;
  }
};

ProcessId init_of(const Machine& machine) { return parse_adoption_record(machine.adoption_record()).value().init; }

/// Waits for the machine's end as leviathan does.
bool wait_for_death(const Machine& machine) {
  pollfd watched{machine.death_fd(), POLLIN, 0};
  return ::poll(&watched, 1, 60'000) == 1;
}

bool directory_is_empty(const std::filesystem::path& directory) { return std::filesystem::is_empty(directory); }

}  // namespace

TEST_CASE("a hosted enclave runs after boot and is gone after destroy", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  CHECK(machine->life() == Life::running);
  CHECK(machine->crash_reason().empty());

  const ProcessId init = init_of(*machine);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
  CHECK(open_process(init).error().code() == Code::not_found);
  CHECK(machine->life() == Life::crashed);
  CHECK(directory_is_empty(spec.run_dir));
  CHECK(rig.bridge.destroy(spec.id, machine->adoption_record()));
}

TEST_CASE("a boot that fails says why and leaves nothing", "[hosted]") {
  Rig rig;
  struct Case {
    const char* command;
    Code code;
    const char* says;
  };
  const auto failure = GENERATE(
      Case{"exit", Code::unavailable, "exited with status 3: it wrote: test kernel: told to exit"},
      Case{"fault", Code::unavailable, "was killed by signal 11 (Segmentation fault)"},
      Case{"panic", Code::unavailable, "test kernel: told to panic"},
      Case{"scribble", Code::unavailable, "exited with status 4"});
  const BootSpec spec = rig.spec(failure.command);
  const auto booted = rig.bridge.boot(spec, patience());
  REQUIRE_FALSE(booted);
  CHECK(booted.error().code() == failure.code);
  CHECK_THAT(booted.error().text(), Contains(failure.says));
  CHECK(directory_is_empty(spec.run_dir));

  // The block is as good as new: the next enclave gets it as an added one.
  BootSpec next = rig.spec("run", "2");
  next.blocks = {rig.blocks[1].base, rig.blocks[0].base};
  const auto machine = rig.bridge.boot(next, patience()).value();
  CHECK(rig.is_zero(rig.blocks[0].base, *machine));
  REQUIRE(rig.bridge.destroy(next.id, machine->adoption_record()));
}

TEST_CASE("a kernel that never comes up is ended at the deadline", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("hang");
  const auto booted = rig.bridge.boot(spec, Clock::now() + 50ms);
  REQUIRE_FALSE(booted);
  CHECK(booted.error().code() == Code::timeout);
  CHECK(directory_is_empty(spec.run_dir));
}

TEST_CASE("a boot without a usable program or image changes nothing", "[hosted]") {
  Rig rig;
  BootSpec spec = rig.spec("run");
  SECTION("no such image") {
    spec.kernel = rig.dir.path() / "none";
    CHECK_THAT(rig.bridge.boot(spec, patience()).error().text(), Contains("No such file"));
  }
  SECTION("an image that is none") {
    spec.kernel = rig.dir.path() / "text";
    std::ofstream(spec.kernel) << "#!/bin/sh\n";
    CHECK_THAT(rig.bridge.boot(spec, patience()).error().text(), Contains("not an ELF file"));
  }
  SECTION("an unknown block") {
    spec.blocks = {1};
    CHECK(rig.bridge.boot(spec, patience()).error().code() == Code::not_found);
  }
  SECTION("no CPU") {
    spec.cpus.clear();
    CHECK(rig.bridge.boot(spec, patience()).error().code() == Code::invalid);
  }
  SECTION("a CPU that is not there") {
    spec.cpus = {{CpuId(65000), 0, any_numa}};
    CHECK_THAT(rig.bridge.boot(spec, patience()).error().text(), Contains("run on its CPUs: Invalid argument"));
  }
  SECTION("an initrd that does not fit") {
    spec.initrd = rig.dir.path() / "initrd";
    std::ofstream(spec.initrd) << "x";
    std::filesystem::resize_file(spec.initrd, block_size.value);
    CHECK(rig.bridge.boot(spec, patience()).error().code() == Code::exhausted);
  }
  CHECK(directory_is_empty(spec.run_dir));
}

/// Makes orphans ours, so that a test sees what became of a process whose parent is gone.
struct Subreaper {
  Subreaper() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

  /// The signal that ended the only other process of the session; 0 when it still runs.
  static int how_the_orphan_ended(const ProcessId& leader) {
    int status = 0;
    return ::waitpid(-leader.pid, &status, WNOHANG) > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};

TEST_CASE("an enclave's processes end with destroy even when one left its parent", "[hosted]") {
  const Subreaper subreaper;
  Rig rig;
  const BootSpec spec = rig.spec("fork");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  const ProcessId init = init_of(*machine);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
  CHECK(Subreaper::how_the_orphan_ended(init) == SIGKILL);
}

TEST_CASE("destroy ends children whose init was killed before", "[hosted]") {
  const Subreaper subreaper;
  Rig rig;
  const BootSpec spec = rig.spec("fork");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  const ProcessId init = init_of(*machine);
  REQUIRE(::kill(init.pid, SIGKILL) == 0);
  REQUIRE(wait_for_death(*machine));
  CHECK(machine->life() == Life::crashed);
  CHECK(machine->crash_reason() == "its init process was killed by signal 9 (Killed)");
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
  CHECK(Subreaper::how_the_orphan_ended(init) == SIGKILL);
}

TEST_CASE("clean_up ends what a leviathan left that died during a boot", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  // The dead leviathan knew no more than the run directory.
  REQUIRE(rig.bridge.clean_up(spec.id, spec.run_dir));
  CHECK(has_ended(machine->death_fd()));
  CHECK(directory_is_empty(spec.run_dir));
  CHECK(rig.bridge.clean_up(spec.id, spec.run_dir));
}

TEST_CASE("another bridge adopts a hosted enclave with all its memory", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  auto machine = rig.bridge.boot(spec, patience()).value();
  REQUIRE(machine->add_memory(rig.blocks[1]));
  machine->control_queue()[machine->control_queue_size().value - 1] = std::byte{42};
  const std::string record = machine->adoption_record();
  machine.reset();

  HostedBridge second(test_config());
  auto adopted = second.adopt(spec.id, record).value();
  CHECK(adopted->life() == Life::running);
  CHECK(adopted->adoption_record() == record);
  CHECK(adopted->control_queue()[adopted->control_queue_size().value - 1] == std::byte{42});
  CHECK(adopted->memory_files().value().size() == 2);

  // What the enclave held and gives back is good for the next one.
  REQUIRE(second.restore_memory(rig.blocks, {rig.blocks[0].base, rig.blocks[1].base}));
  REQUIRE(second.destroy(spec.id, record));
  for (const MemoryBlock& block : rig.blocks) REQUIRE(second.scrub(block.base));
  const auto next = second.boot(rig.spec("run", "2"), patience()).value();
  CHECK(next->life() == Life::running);
  REQUIRE(second.destroy(spec.id, next->adoption_record()));
}

TEST_CASE("an enclave is not adopted as another, nor when it is gone", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  HostedBridge second(test_config());
  CHECK(second.adopt(EnclaveId(2), machine->adoption_record()).error().code() == Code::corrupt);
  CHECK(second.adopt(spec.id, "pid=x").error().code() == Code::corrupt);

  AdoptionRecord reused = parse_adoption_record(machine->adoption_record()).value();
  ++reused.init.start;
  CHECK(second.adopt(spec.id, to_text(reused)).error().code() == Code::not_found);

  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
  CHECK(second.adopt(spec.id, machine->adoption_record()).error().code() == Code::not_found);
}

TEST_CASE("a record whose process number is used again kills nobody", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  AdoptionRecord older = parse_adoption_record(machine->adoption_record()).value();
  --older.init.start;
  older.socket = rig.dir.make("other") / "machine.sock";
  REQUIRE(rig.bridge.destroy(spec.id, to_text(older)));
  CHECK(machine->life() == Life::running);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
}

TEST_CASE("memory is plugged into a running hosted enclave and out again", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  REQUIRE(machine->add_memory(rig.blocks[1]));
  CHECK(machine->memory_files().value().size() == 2);
  CHECK(machine->add_memory(rig.blocks[1]).error().code() == Code::exists);
  REQUIRE(machine->remove_memory(rig.blocks[1].base));
  CHECK(machine->remove_memory(rig.blocks[1].base).error().code() == Code::not_found);
  CHECK(machine->remove_memory(rig.blocks[0].base).error().code() == Code::invalid);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
  CHECK(machine->add_memory(rig.blocks[1]).error().code() == Code::unavailable);
}

TEST_CASE("a run directory may be longer than a Unix address", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run", std::string(100, 'a') + '/' + std::string(100, 'b'));
  const auto machine = rig.bridge.boot(spec, patience()).value();
  HostedBridge second(test_config());
  CHECK(second.adopt(spec.id, machine->adoption_record()));
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
}

TEST_CASE("the enclave's clock goes on without a step when it is updated", "[hosted]") {
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  const std::vector<MemoryFile> files = machine->memory_files().value();
  const Mapping memory = Mapping::shared(files[0].fd.get(), HOBBES_BOOT_PARAMS_SIZE, PROT_READ).value();
  const auto& line = reinterpret_cast<const hobbes_boot_params*>(memory.data())->clock;
  const hobbes_clock before = line;
  machine->update_clock();
  const hobbes_clock after = line;
  CHECK(after.sequence == before.sequence + 2);
  CHECK(after.tsc_base > before.tsc_base);
  CHECK(after.monotonic_ns > before.monotonic_ns);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
}

TEST_CASE("init runs as the enclave's owner with its own descriptors only", "[hosted]") {
  if (::geteuid() != 0) {
    WARN("skipped: only root may change the user");
    return;
  }
  Rig rig;
  const BootSpec spec = rig.spec("run");
  const auto machine = rig.bridge.boot(spec, patience()).value();
  const std::string proc = "/proc/" + std::to_string(init_of(*machine).pid);
  std::ifstream status(proc + "/status");
  const std::string text((std::istreambuf_iterator<char>(status)), std::istreambuf_iterator<char>());
  CHECK_THAT(text, Contains("Uid:\t65534\t65534\t65534\t65534"));
  CHECK_THAT(text, Contains("Gid:\t65534\t65534\t65534\t65534"));
  CHECK_THAT(text, Contains("NoNewPrivs:\t1"));
  // stdin, stdout, stderr, the block, two bells, the socket, both ends of the line for lent files.
  const auto count = std::distance(std::filesystem::directory_iterator(proc + "/fd"), {});
  CHECK(count == 9);
  REQUIRE(rig.bridge.destroy(spec.id, machine->adoption_record()));
}

}  // namespace hobbes::bridge
