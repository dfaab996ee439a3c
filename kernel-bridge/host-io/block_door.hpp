// SPDX-License-Identifier: Apache-2.0
// BlockDoor: where leviathan tells a running proxy of memory blocks that its enclave was given or is to lose.
//
// A proxy listens on an abstract Unix socket that bears its process id (SOCK_SEQPACKET). Each connection carries one
// BlockMessage, with the block's descriptor if it is to be added, and one answer: 0 or -errno. Both sides ask the kernel
// who the other is (SO_PEERCRED): the name itself proves nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::host_io {

struct BlockMessage {
  enum class What : std::uint32_t { add = 1, forget = 2 };
  What what = What::add;
  std::uint32_t reserved = 0;
  std::uint64_t base = 0;
  std::uint64_t size = 0;
};
using BlockAnswer = std::int32_t;

/// The socket's name, without the NUL that abstract names begin with.
[[nodiscard]] inline std::string block_door_name(pid_t proxy) { return "hobbes-proxy/" + std::to_string(proxy); }

/// Carries a message out: 0 or -errno. `fd` is -1 where none came.
using BlockHandler = std::function<BlockAnswer(const BlockMessage& message, int fd)>;

class BlockDoor {
 public:
  /// Opens this process' door. Code::exists: somebody has taken its name.
  [[nodiscard]] static Result<BlockDoor> open(uid_t owner);
  /// Answers root and the owner, one after the other, for ever; turns others away. Its thread's work.
  [[noreturn]] void serve(const BlockHandler& handler) const;

 private:
  BlockDoor(UniqueFd listener, uid_t owner) : listener_(std::move(listener)), owner_(owner) {}
  [[nodiscard]] bool may(int connection) const;

  UniqueFd listener_;
  uid_t owner_;
};

}  // namespace hobbes::host_io
