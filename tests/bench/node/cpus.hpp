// SPDX-License-Identifier: Apache-2.0
// Which CPU is whose while measuring, and staying on one.
#pragma once

#include <sched.h>

#include "base/result.hpp"

namespace hobbes::bench {

struct Cpus {
  cpu_set_t all;      ///< that this program may use
  cpu_set_t host;     ///< leviathan's and ours: all but the last
  cpu_set_t enclave;  ///< the last one, where the Linux side of a comparison runs, too

  /// exhausted: there is only one.
  [[nodiscard]] static Result<Cpus> find();
  [[nodiscard]] int enclave_cpu() const;
};

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
