// SPDX-License-Identifier: Apache-2.0
// The bridge's side of the machine protocol (abi/hosted.h): the socket on which an enclave's init process listens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace hobbes::bridge {

/// A listening socket at `path`, which may be longer than a Unix address; only our user may connect.
[[nodiscard]] Result<UniqueFd> listen_machine(const std::filesystem::path& path);

struct MachineBlock {
  std::uint64_t base = 0;
  Bytes size;
  UniqueFd fd;
};

struct MachineHello {
  std::vector<MachineBlock> blocks;  ///< [0] is the boot block
  UniqueFd control_bell;
  UniqueFd console_bell;
  UniqueFd file_lender;  ///< where files are lent to it
};

/// Makes calls, each over a connection of its own. The enclave need not be honest, nor answer: every call ends within
/// some seconds. Errors: unavailable (nobody listens), timeout, corrupt (the answer breaks the protocol), or the
/// enclave's refusal. Threads: any.
class MachineSocket {
 public:
  explicit MachineSocket(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] Result<MachineHello> hello() const;
  [[nodiscard]] Status plug(std::uint64_t base, Bytes size, int memfd) const;
  [[nodiscard]] Status lend(std::uint64_t base, Bytes size, int memfd, bool writable) const;
  [[nodiscard]] Status unplug(std::uint64_t base) const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hobbes::bridge
