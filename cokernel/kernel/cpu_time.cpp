// SPDX-License-Identifier: Apache-2.0
// A CPU's time is its user's: what a call costs in the kernel belongs to the program that made it, and the machine does
// not tell the two apart. All of it counts as user time.
#include "cokernel/kernel/cpu_time.hpp"

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

CpuTime process_cpu_time(const Process& process) {
  if (process.state == ProcessState::zombie) return process.cpu;
  return {port::process_cpu_ns(process), 0};
}

int64_t thread_cpu_ns(const Thread& thread) { return port::thread_cpu_ns(thread); }

}  // namespace hobbes::lwk
