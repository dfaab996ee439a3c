// SPDX-License-Identifier: Apache-2.0
// Mode: how much of Linux an enclave's applications may reach through host I/O.
#pragma once

#include <cstdint>

namespace hobbes::host_io {

/// Each mode includes the ones before it.
enum class Mode : std::uint8_t {
  none,   ///< the launcher's stdin, stdout and stderr, and duplicates of them
  files,  ///< and files below the root
  all,    ///< and sockets
};

}  // namespace hobbes::host_io
