// SPDX-License-Identifier: Apache-2.0
// Which CPU is whose while measuring, and staying on one.
#pragma once

#include <sched.h>

#include <vector>

#include "base/result.hpp"

namespace hobbes::bench {

struct Cpus {
  cpu_set_t all;      ///< that this program may use
  cpu_set_t host;     ///< leviathan's and ours
  cpu_set_t enclave;  ///< an enclave's, where the Linux side of a comparison runs, too

  /// The last one for enclaves, the others for Linux. exhausted: there is only one.
  [[nodiscard]] static Result<Cpus> find();
  /// Several for enclaves: all but the first, or, where there are only two, both, which Linux then shares with them.
  [[nodiscard]] static Result<Cpus> find_several();

  [[nodiscard]] bool are_shared() const { return CPU_EQUAL(&host, &enclave); }
  [[nodiscard]] int enclave_count() const { return CPU_COUNT(&enclave); }
  [[nodiscard]] int enclave_cpu() const;
};

/// Their numbers, in order.
[[nodiscard]] std::vector<int> members(const cpu_set_t& cpus);

/// While it lives, this thread runs on `cpus`, and so does what it starts.
class OnCpus {
 public:
  explicit OnCpus(const cpu_set_t& cpus);
  OnCpus(const OnCpus&) = delete;
  OnCpus& operator=(const OnCpus&) = delete;
  ~OnCpus();

 private:
  cpu_set_t before_;
};

}  // namespace hobbes::bench
