// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/cpus.hpp"

namespace hobbes::bench {
namespace {

Result<cpu_set_t> find_all() {
  cpu_set_t all;
  CPU_ZERO(&all);
  if (::sched_getaffinity(0, sizeof all, &all) != 0) return last_errno("ask for the CPUs to use");
  if (CPU_COUNT(&all) < 2) return Error(Code::exhausted, "CPUs: two are needed, one for Linux and one for enclaves");
  return all;
}

cpu_set_t only(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return set;
}

cpu_set_t without(cpu_set_t set, int cpu) {
  CPU_CLR(cpu, &set);
  return set;
}

}  // namespace

Result<Cpus> Cpus::find() {
  const cpu_set_t all = TRY(find_all());
  const int last = members(all).back();
  return Cpus{all, without(all, last), only(last)};
}

Result<Cpus> Cpus::find_several() {
  const cpu_set_t all = TRY(find_all());
  const int first = members(all).front();
  if (CPU_COUNT(&all) == 2) return Cpus{all, all, all};
  return Cpus{all, only(first), without(all, first)};
}

int Cpus::enclave_cpu() const { return members(enclave).front(); }

std::vector<int> members(const cpu_set_t& cpus) {
  std::vector<int> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) numbers.push_back(cpu);
  }
  return numbers;
}

// The CPUs are ours; should one go away meanwhile, the numbers say so.
OnCpus::OnCpus(const cpu_set_t& cpus) {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  ::sched_setaffinity(0, sizeof cpus, &cpus);
}

OnCpus::~OnCpus() { ::sched_setaffinity(0, sizeof before_, &before_); }

}  // namespace hobbes::bench
