// SPDX-License-Identifier: Apache-2.0
// Pipes between the enclave's processes.
#pragma once

#include "cokernel/kernel/fs/file.hpp"

namespace hobbes::lwk::fs {

inline constexpr uint64_t pipe_size = 64 << 10;
inline constexpr uint64_t pipe_atomic = 4096;  ///< PIPE_BUF: a write up to this goes in whole or not at all

/// `flags`: O_NONBLOCK, O_CLOEXEC or 0, for both ends. 0 or -ENOMEM.
[[nodiscard]] int make_pipe(uint32_t flags, FileRef& reader, FileRef& writer);
/// Whether F_GETPIPE_SZ means something.
[[nodiscard]] bool is_pipe(const File& file);

}  // namespace hobbes::lwk::fs
