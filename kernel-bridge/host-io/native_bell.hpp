// SPDX-License-Identifier: Apache-2.0
// NativeBell: how a proxy and an enclave on hardware of its own wake each other. There words in the enclave's memory
// are no futexes that both could use: the descriptor of a block (docs/pisces.md) is waited on and written instead.
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "kernel-bridge/host-io/options.hpp"

namespace hobbes::host_io {

class NativeBell {
 public:
  /// Whether it is a block of such an enclave. A hosted one's is a memfd.
  [[nodiscard]] static bool is_native(int block);
  /// The bell of these blocks' enclave; nothing for a hosted one, whose bells are futexes.
  [[nodiscard]] static Result<std::optional<NativeBell>> of(const std::vector<BlockOption>& blocks);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Wakes the enclave.
  void ring() const;
  /// Sleeps until the enclave rings. False: never again.
  [[nodiscard]] bool wait() const;

 private:
  explicit NativeBell(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace hobbes::host_io
