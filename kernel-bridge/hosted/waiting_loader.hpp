// SPDX-License-Identifier: Apache-2.0
// WaitingLoader: a boot loader (abi/hosted.h) that has been started and waits for its enclave.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/spawn.hpp"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::bridge {

/// What a loader is given, borrowed. Its descriptors become enclave_fd(0), enclave_fd(1), ... in the enclave.
struct LoaderJob {
  std::vector<int> fds;  ///< fds[0] is the boot block's
  int log = -1;          ///< what enclave processes write to stderr
  std::uint64_t base = 0;  ///< the boot block
  Bytes size;
  std::span<const Cpu> cpus;
  uid_t uid = 0;  ///< whom it runs as, if we are root
  gid_t gid = 0;
};

/// The number of the loader's socket in the new process; below are its standard descriptors.
inline constexpr int socket_fd = 3;
constexpr int enclave_fd(std::size_t index) { return socket_fd + 1 + static_cast<int>(index); }

/// Ended and reaped, unless it is given its enclave before.
class WaitingLoader {
 public:
  [[nodiscard]] static Result<WaitingLoader> start(const std::filesystem::path& program);
  WaitingLoader(WaitingLoader&&) noexcept = default;
  WaitingLoader& operator=(WaitingLoader&&) noexcept = default;
  ~WaitingLoader();

  /// Whether it still waits.
  [[nodiscard]] bool is_good() const;
  /// Its /proc/<pid>/stat line, for identify(): read ahead.
  [[nodiscard]] std::string_view identity() const { return identity_; }
  /// Gives it the enclave, whose init it is from now on. Its start is not awaited.
  [[nodiscard]] Result<Child> boot(const LoaderJob& job) &&;

 private:
  WaitingLoader(Child process, std::string identity, UniqueFd socket)
      : process_(std::move(process)), identity_(std::move(identity)), socket_(std::move(socket)) {}

  Child process_;
  std::string identity_;
  UniqueFd socket_;
};

}  // namespace hobbes::bridge
