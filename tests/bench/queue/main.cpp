// SPDX-License-Identifier: Apache-2.0
// bench_queue: round trips through a command queue beside the floors they stand on.
//
// Interleaved: every round gives each contestant one batch, so that what disturbs the machine disturbs all of them. The
// measuring thread and the echoing thread each keep one CPU.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/parse.hpp"
#include "tests/bench/queue/contestant.hpp"
#include "tests/bench/results.hpp"

using namespace hobbes;
using namespace hobbes::bench;

namespace {

using Clock = std::chrono::steady_clock;

struct Group {
  const char* title;
  std::size_t per_sample;  // round trips between two looks at the clock; a sample is their mean
  std::size_t samples;     // in a batch
  std::vector<std::unique_ptr<Contestant>> contestants;
  std::vector<std::size_t> floors;  // for each contestant, the index of the one it is compared with
};

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);  // the CPU is one of ours; should it go away, the numbers say so
}

void run_batch(Contestant& contestant, const Group& group, int echo_cpu, std::vector<double>& samples) {
  const std::size_t warm_up = group.per_sample;
  std::thread echo([&] {
    pin(echo_cpu);
    for (std::size_t i = 0; i < warm_up + group.samples * group.per_sample; ++i) contestant.echo();
  });
  for (std::size_t i = 0; i < warm_up; ++i) contestant.round_trip();
  for (std::size_t s = 0; s < group.samples; ++s) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < group.per_sample; ++i) contestant.round_trip();
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    samples.push_back(took.count() / static_cast<double>(group.per_sample));
  }
  echo.join();
}

void run(const Group& group, std::size_t rounds, int echo_cpu, Results& results) {
  std::vector<std::vector<double>> samples(group.contestants.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t c = 0; c < group.contestants.size(); ++c) {
      run_batch(*group.contestants[c], group, echo_cpu, samples[c]);
    }
  }
  std::printf("%-28s %12s %12s %10s\n", group.title, "median ns", "p99 ns", "x floor");
  std::vector<Quantiles> all;
  for (std::vector<double>& of_contestant : samples) all.push_back(quantiles_of(std::move(of_contestant)));
  results.start_group(group.title, "ns");
  for (std::size_t c = 0; c < group.contestants.size(); ++c) {
    const std::string& name = group.contestants[c]->name();
    std::printf("  %-26s %12.0f %12.0f %10.2f\n", name.c_str(), all[c].median, all[c].p99,
                all[c].median / all[group.floors[c]].median);
    results.add(name, all[c]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto json = take_json_option(arguments);
  const auto rounds = arguments.empty() ? Result<std::uint64_t>(50)
                                        : parse_u64(arguments.front(), "number of rounds", 1, 1'000'000);
  if (!json || !rounds || arguments.size() > 1) {
    std::fprintf(stderr, "usage: bench_queue [--json FILE] [rounds]\n");
    return 2;
  }
  const std::vector<int> cpus = allowed_cpus();
  if (cpus.size() < 2) {
    std::fprintf(stderr, "bench_queue: needs two CPUs\n");
    return 1;
  }
  pin(cpus[0]);
  Results results("queue");

  Group polled{"both ends poll", 200, 50, {}, {0, 0, 0}};
  polled.contestants.push_back(make_cache_line());
  polled.contestants.push_back(make_ring());
  polled.contestants.push_back(make_polled_queue());
  run(polled, *rounds, cpus[1], results);

  Group parked{"both ends sleep", 1, 200, {}, {0, 0, 2, 2, 2}};
  parked.contestants.push_back(make_futex_pair());
  parked.contestants.push_back(make_futex_queue());
  parked.contestants.push_back(make_eventfd_pair());
  parked.contestants.push_back(make_eventfd_queue());
  parked.contestants.push_back(make_handed_out_queue());
  run(parked, *rounds, cpus[1], results);
  if (!*json) return 0;
  if (const Status written = results.write(**json); !written) {
    std::fprintf(stderr, "bench_queue: %s\n", written.error().text().c_str());
    return 1;
  }
  return 0;
}
