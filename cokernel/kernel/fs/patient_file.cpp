// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/patient_file.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/signal.hpp"
#include "cokernel/kernel/wait_queue.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t first_pause_ns = 100'000, longest_pause_ns = 5'000'000;

}  // namespace

Sysret PatientFile::read(IoVector& to) {
  // Writable and nothing else: whatever more there is, data, an end or an error, read() will tell.
  for (int64_t pause = first_pause_ns; (poll() & ~(POLLOUT | POLLWRNORM)) == 0; pause = min(2 * pause, longest_pause_ns)) {
    const Wake woken = sleep_until([] { return false; }, monotonic_ns() + pause);
    if (woken == Wake::signal) return restart_call;
  }
  return HostFile::read(to);
}

}  // namespace hobbes::lwk::fs
