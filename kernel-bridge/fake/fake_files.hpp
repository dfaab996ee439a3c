// SPDX-License-Identifier: Apache-2.0
// FakeFiles: the files of a pretend co-kernel, in memory. Paths below /host belong to Linux.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "cmdqueue/message.hpp"

namespace hobbes::bridge {

/// One function for each FILE_* command (abi/commands.h): from the request's payload to the reply's. One thread.
class FakeFiles {
 public:
  using Payload = cmdqueue::Payload;
  using PayloadView = cmdqueue::PayloadView;

  [[nodiscard]] Result<Payload> open(PayloadView request);
  [[nodiscard]] Result<Payload> close(PayloadView request);
  [[nodiscard]] Result<Payload> read(PayloadView request);
  [[nodiscard]] Result<Payload> write(PayloadView request);
  [[nodiscard]] Result<Payload> seek(PayloadView request);
  [[nodiscard]] Result<Payload> stat(PayloadView request);
  [[nodiscard]] Result<Payload> fstat(PayloadView request);

 private:
  struct Open {
    std::shared_ptr<Payload> content;
    std::uint64_t position = 0;
  };
  [[nodiscard]] Result<Open*> find(std::uint64_t handle);

  std::map<std::string, std::shared_ptr<Payload>> files_;
  std::map<std::uint64_t, Open> open_;
  std::uint64_t next_handle_ = 1;
};

}  // namespace hobbes::bridge
