// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/cpus.hpp"

namespace hobbes::bench {

Result<Cpus> Cpus::find() {
  Cpus cpus;
  CPU_ZERO(&cpus.all);
  CPU_ZERO(&cpus.enclave);
  if (::sched_getaffinity(0, sizeof cpus.all, &cpus.all) != 0) return last_errno("ask for the CPUs to use");
  if (CPU_COUNT(&cpus.all) < 2) return Error(Code::exhausted, "CPUs: two are needed, one for Linux and one for enclaves");
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &cpus.all)) --last;
  CPU_SET(last, &cpus.enclave);
  cpus.host = cpus.all;
  CPU_CLR(last, &cpus.host);
  return cpus;
}

int Cpus::enclave_cpu() const {
  int cpu = 0;
  while (!CPU_ISSET(cpu, &enclave)) ++cpu;
  return cpu;
}

// The CPUs are ours; should one go away meanwhile, the numbers say so.
OnCpus::OnCpus(const cpu_set_t& cpus) {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  ::sched_setaffinity(0, sizeof cpus, &cpus);
}

OnCpus::~OnCpus() { ::sched_setaffinity(0, sizeof before_, &before_); }

}  // namespace hobbes::bench
