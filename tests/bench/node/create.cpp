// SPDX-License-Identifier: Apache-2.0
// From create_enclave to the first instruction of an application, blocks in the pool. The floor under it: a new process
// that maps as many blocks of the same kind and says so. Beside it: a container.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/mapping.hpp"
#include "kernel-bridge/hosted/block.hpp"
#include "kernel-bridge/boot/clock.hpp"
#include "tests/bench/node/container.hpp"
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

constexpr const char* enclave_name = "created";
constexpr const char* first_instruction = "first_instruction";
/// Enclaves are created one by one, not in a burst: what the node makes ahead, a loader and a proxy, is there again.
constexpr std::chrono::milliseconds pause{30};

Nanoseconds clock_reading(std::uint64_t ns) { return Nanoseconds(static_cast<double>(ns)); }

/// When the CPU's counter stood at `ticks`, a moment ago.
Nanoseconds time_of(std::uint64_t ticks) {
  const bridge::ClockSample sample = bridge::sample_clocks();
  constexpr double ns_per_second = 1e9;
  return clock_reading(sample.monotonic_ns) -
         Nanoseconds(static_cast<double>(sample.tsc - ticks) * ns_per_second / static_cast<double>(bridge::tsc_hz()));
}

// Who asks for an enclave runs on Linux's CPUs: the others are not Linux's.

Status run_in_new_enclave(Node& node, Series& series) {
  const OnCpus host(node.cpus().host);
  const UniqueFd null = TRY(open_null());
  Pipe pipe = TRY(Pipe::create());
  const Launched launched{.args = {program(first_instruction)}, .stdio = {null.get(), pipe.in.get(), STDERR_FILENO}};
  std::this_thread::sleep_for(pause);
  const Nanoseconds start = now();
  TRY(node.create_enclave(enclave_name));
  const AppId app = TRY(node.launch(enclave_name, launched));
  series.add(time_of(TRY(read_value<std::uint64_t>(pipe.out.get()))) - start);
  TRY(node.wait_for_success(app));
  return node.destroy_enclave(enclave_name);
}

Status create_alone(Node& node, Series& series) {
  const OnCpus host(node.cpus().host);
  std::this_thread::sleep_for(pause);
  const Nanoseconds start = now();
  TRY(node.create_enclave(enclave_name));
  series.add(now() - start);
  return node.destroy_enclave(enclave_name);
}

Status run_in_container(const Container& container, Series& series) {
  const UniqueFd null = TRY(open_null());
  Pipe pipe = TRY(Pipe::create());
  const Nanoseconds start = now();
  Child child = TRY(Child::spawn(container.command(), {null.get(), pipe.in.get(), STDERR_FILENO}));
  series.add(time_of(TRY(read_value<std::uint64_t>(pipe.out.get()))) - start);
  return child.wait_for_success("crun");
}

/// An enclave's blocks, prepared as leviathan prepares its pool's.
Result<std::vector<bridge::Block>> prepare_blocks() {
  std::vector<bridge::Block> blocks;
  for (Bytes made; made < Node::enclave_memory; made = made + Node::block_size) {
    blocks.push_back(TRY(bridge::Block::create(Node::block_size, any_numa)));
    TRY(blocks.back().prepare([] { return false; }));
  }
  return blocks;
}

/// What the floor's process does. It ends with its message; whoever started it sees if there is none.
[[noreturn]] void map_and_report(const std::vector<bridge::Block>& blocks, int out) {
  for (const bridge::Block& block : blocks) {
    if (::mmap(nullptr, block.size().value, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, block.fd(), 0) == MAP_FAILED)
      ::_exit(1);
  }
  const auto ready = static_cast<std::uint64_t>(now().count());
  ::_exit(write_value(out, ready) ? 0 : 1);
}

Status fork_map_and_report(const Cpus& cpus, const std::vector<bridge::Block>& blocks, Series& series) {
  Pipe pipe = TRY(Pipe::create());
  const Nanoseconds start = now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::sched_setaffinity(0, sizeof cpus.enclave, &cpus.enclave);
    map_and_report(blocks, pipe.in.get());
  }
  Child child(pid);
  TRY(read_value<std::uint64_t>(pipe.out.get()));
  series.add(now() - start);
  return child.wait_for_success("the floor's process");
}

}  // namespace

Status measure_create(Node& node, Report& report, std::size_t rounds) {
  const auto blocks = TRY(prepare_blocks());
  std::vector<Contestant> contestants{
      {"enclave, to the program's first instruction", [&](Series& series) { return run_in_new_enclave(node, series); }},
      {"of that create_enclave, by itself", [&](Series& series) { return create_alone(node, series); }},
      {"floor: fork, map the blocks, one message",
       [&](Series& series) { return fork_map_and_report(node.cpus(), blocks, series); }}};
  const auto container = Container::create(node.directory(), first_instruction);
  if (container) {
    contestants.push_back({"crun run, to the same program's first instruction",
                           [&](Series& series) { return run_in_container(*container, series); }});
  }
  const auto times = TRY(alternate(contestants, rounds));
  report.heading("create_enclave to the first instruction of an application");
  if (!container) report.note("crun is skipped: " + container.error().text());
  report.times(times);
  std::vector<Ratio> ratios{{"enclave / floor", times[0], times[2], {Target::Side::at_most, 3}}};
  if (container) ratios.push_back({"crun / enclave", times[3], times[0], {Target::Side::at_least, 3}});
  report.ratios(ratios);
  return {};
}

}  // namespace hobbes::bench
