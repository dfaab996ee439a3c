// SPDX-License-Identifier: Apache-2.0
// File descriptors over Unix sockets, and who is at the other end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/unique_fd.hpp"

namespace hobbes::cmdqueue {

/// The kernel's own limit (SCM_MAX_FD).
inline constexpr std::size_t max_passed_fds = 253;

struct FdMessage {
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> fds;  ///< close-on-exec
};

/// Sends `bytes` (1 to 64 KiB) with `fds` in one message of a connected Unix socket. The descriptors stay the caller's.
/// Blocks as the socket does; a closed peer is Code::unavailable, never SIGPIPE.
[[nodiscard]] Status send_fds(int socket, std::span<const std::byte> bytes, std::span<const int> fds);

/// Receives one such message of at most `max_bytes`. On a stream socket, `bytes` may be only the first part of what was
/// sent; the descriptors come with it. A closed peer is Code::unavailable. More descriptors than max_passed_fds, or
/// bytes cut off, are Code::invalid, and whatever descriptors had come are closed.
[[nodiscard]] Result<FdMessage> receive_fds(int socket, std::size_t max_bytes);

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// Who connected this Unix socket, as the kernel knows (SO_PEERCRED), at the time it connected.
[[nodiscard]] Result<PeerCredentials> peer_credentials(int socket);

}  // namespace hobbes::cmdqueue
