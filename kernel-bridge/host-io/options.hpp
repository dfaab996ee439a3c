// SPDX-License-Identifier: Apache-2.0
// The command line of hobbes-proxy, as a struct: parsed by the proxy, written by whoever spawns it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"
#include "base/user.hpp"
#include "kernel-bridge/host-io/mode.hpp"

namespace hobbes::host_io {

/// One block of enclave memory: its physical address, its size, and the descriptor the proxy finds it at.
struct BlockOption {
  std::uint64_t base = 0;
  Bytes size;
  int fd = -1;
  friend bool operator==(const BlockOption&, const BlockOption&) = default;
};

struct Options {
  std::uint64_t app = 0;      ///< the application's number
  /// Physical address of the channel, inside one of `blocks`; empty: it will be told on the job's socket (job.hpp).
  std::optional<std::uint64_t> channel;
  std::vector<BlockOption> blocks;
  Mode mode = Mode::none;
  std::filesystem::path root = "/";  ///< absolute
  std::optional<User> user;   ///< empty: as it was started
  std::filesystem::path cwd;         ///< entered as `user`; empty: where it was started
  std::uint32_t rank_fds = 0;        ///< so many descriptors from HOBBES_HIO_FIRST_RANK_FD on are the ranks'
  int close_from = 3;                ///< descriptors from here on are not the application's
  /// Whose processes, beside root's, may add blocks and take them away (block_door.hpp); absent: nobody may.
  std::optional<std::uint32_t> owner{};
  int lender = -1;                   ///< the socket on which files are lent to the enclave; -1: there is none
  /// How long a worker polls for the next call before it sleeps, at first (poll_window.hpp); 0, never, is right where the
  /// enclave shares the proxy's only CPU.
  std::chrono::microseconds poll{50};
};

/// Parses the arguments after the program's name. The error names the argument.
[[nodiscard]] Result<Options> parse_options(const std::vector<std::string>& arguments);
/// The inverse: the arguments (without the program's name) that say `options`.
[[nodiscard]] std::vector<std::string> to_arguments(const Options& options);

}  // namespace hobbes::host_io
