// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/boot_block.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "kernel-bridge/abi/console.h"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/abi/queue.h"
#include "kernel-bridge/boot/tiny_kernel.hpp"

namespace hobbes::bridge {
namespace {

constexpr std::uint64_t base = HOBBES_HOSTED_FIRST_BLOCK;

/// Memory for a boot block, aligned as the queue in it wants.
struct Memory {
  std::vector<std::byte> bytes = std::vector<std::byte>(mib(8).value + 64);

  [[nodiscard]] std::span<std::byte> block() {
    const std::size_t skip = 64 - reinterpret_cast<std::uintptr_t>(bytes.data()) % 64;
    return std::span(bytes).subspan(skip, mib(8).value);
  }
};

struct Parts {
  std::vector<std::byte> file = tiny_kernel(4);
  KernelImage kernel = KernelImage::parse(file).value();
  std::vector<Cpu> cpus = {{CpuId(3), 6, NumaId(1)}};
  std::vector<hobbes_boot_region> regions = {{base, mib(8).value, 1, 3}, {base + mib(64).value, mib(8).value, -1, 4}};
  BootBlockSpec spec{EnclaveId(7), "seven", "console=ring", cpus, regions, 5, 6, 7, 8, sample_clocks(), 250};
};

}  // namespace

TEST_CASE("a boot block carries everything a kernel needs", "[hosted]") {
  Memory memory;
  const Parts parts;
  const std::vector<std::byte> initrd(100, std::byte{0x77});
  REQUIRE(write_boot_block(memory.block(), parts.spec, parts.kernel, initrd));

  const auto& params = *reinterpret_cast<const hobbes_boot_params*>(memory.block().data());
  CHECK(params.magic == HOBBES_BOOT_MAGIC);
  CHECK(params.version == HOBBES_BOOT_VERSION);
  CHECK(params.size == sizeof params);
  CHECK(params.enclave_id == 7);
  CHECK(std::string(params.name) == "seven");
  CHECK(std::string(params.cmd_line) == "console=ring");
  CHECK(params.kernel_base == base + HOBBES_BOOT_KERNEL_OFFSET);
  CHECK(params.kernel_size == 4096);
  CHECK(params.kernel_text == 4096);
  CHECK(params.kernel_entry == HOBBES_HOSTED_KERNEL_BASE);
  CHECK(memory.block()[HOBBES_BOOT_KERNEL_OFFSET] == std::byte{0xf4});
  CHECK(params.initrd_base % mib(2).value == 0);
  CHECK(params.initrd_base >= params.kernel_base + params.kernel_size);
  CHECK(params.initrd_size == initrd.size());
  CHECK(memory.block()[params.initrd_base - base] == std::byte{0x77});
  CHECK(params.tsc_hz == tsc_hz());
  CHECK(params.clock.tsc_base == parts.spec.now.tsc);
  CHECK(params.machine_fd == 7);
  CHECK(params.lending_fd == 8);
  CHECK(params.schedule_hz == 250);
  CHECK(params.state == HOBBES_ENCLAVE_BOOTING);
  REQUIRE(params.cpu_count == 1);
  CHECK(params.cpus[0].cpu_id == 3);
  CHECK(params.cpus[0].apic_id == 6);
  CHECK(params.cpus[0].numa == 1);
  REQUIRE(params.region_count == 2);
  CHECK(params.regions[1].base == base + mib(64).value);
  CHECK(params.regions[1].fd == 4);
  CHECK(std::ranges::any_of(params.entropy, [](std::uint8_t byte) { return byte != 0; }));

  const BootBlock found = find_boot_block(memory.block(), base).value();
  CHECK(reinterpret_cast<const hobbes_queue_header*>(found.control_queue.data())->magic == HOBBES_QUEUE_MAGIC);
  CHECK(reinterpret_cast<const hobbes_console*>(found.console.data())->magic == HOBBES_CONSOLE_MAGIC);
  CHECK(found.console.data() + found.console.size() <= memory.block().data() + HOBBES_BOOT_KERNEL_OFFSET);
}

TEST_CASE("two boots do not share their entropy", "[hosted]") {
  Memory first, second;
  const Parts parts;
  REQUIRE(write_boot_block(first.block(), parts.spec, parts.kernel, {}));
  REQUIRE(write_boot_block(second.block(), parts.spec, parts.kernel, {}));
  const auto entropy = [](Memory& memory) {
    return std::span(reinterpret_cast<const hobbes_boot_params*>(memory.block().data())->entropy);
  };
  CHECK_FALSE(std::ranges::equal(entropy(first), entropy(second)));
}

TEST_CASE("what does not fit into a boot block is refused", "[hosted]") {
  Memory memory;
  Parts parts;
  const std::string long_text(2000, 'x');
  SECTION("name") { parts.spec.name = std::string_view(long_text).substr(0, 64); }
  SECTION("command line") { parts.spec.cmd_line = std::string_view(long_text).substr(0, 1024); }
  SECTION("no CPU") { parts.spec.cpus = {}; }
  SECTION("too many CPUs") {
    parts.cpus.resize(HOBBES_BOOT_MAX_CPUS + 1);
    parts.spec.cpus = parts.cpus;
  }
  SECTION("too many regions") {
    parts.regions.resize(HOBBES_BOOT_MAX_REGIONS + 1);
    parts.spec.regions = parts.regions;
  }
  CHECK(write_boot_block(memory.block(), parts.spec, parts.kernel, {}).error().code() == Code::invalid);
}

TEST_CASE("a block that is too small for kernel and initrd is refused", "[hosted]") {
  Memory memory;
  const Parts parts;
  CHECK(write_boot_block(memory.block().first(mib(4).value), parts.spec, parts.kernel, {}).error().code() ==
        Code::exhausted);
  const std::vector<std::byte> initrd(mib(2).value + 1);
  CHECK(write_boot_block(memory.block(), parts.spec, parts.kernel, initrd).error().code() == Code::exhausted);
}

TEST_CASE("what an enclave wrote into its boot block is not believed", "[hosted]") {
  Memory memory;
  const Parts parts;
  REQUIRE(write_boot_block(memory.block(), parts.spec, parts.kernel, {}));
  auto& params = *reinterpret_cast<hobbes_boot_params*>(memory.block().data());
  Code expected = Code::corrupt;
  SECTION("magic") { params.magic = 0; }
  SECTION("version") {
    params.version = 9;
    expected = Code::unsupported;
  }
  SECTION("queue before the block") { params.channels[0].base = base - 4096; }
  SECTION("queue behind the block") { params.channels[0].base = base + mib(8).value; }
  SECTION("queue over the end") { params.channels[0].size = mib(8).value; }
  SECTION("queue of huge size") { params.channels[0].size = UINT64_MAX; }
  SECTION("queue not aligned") { params.channels[0].base += 8; }
  SECTION("console too small") { params.channels[1].size = 100; }
  SECTION("no channels") { params.channel_count = 0; }
  CHECK(find_boot_block(memory.block(), base).error().code() == expected);
}

}  // namespace hobbes::bridge
