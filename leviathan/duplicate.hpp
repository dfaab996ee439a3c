// SPDX-License-Identifier: Apache-2.0
// A descriptor of one's own for something another object owns: Boost.Asio wants to own what it waits for.
#pragma once

#include <fcntl.h>

#include <string_view>

#include "base/unique_fd.hpp"

namespace hobbes::leviathan {

/// A close-on-exec duplicate of `fd`; `what` is for the error.
[[nodiscard]] inline Result<UniqueFd> duplicate(int fd, std::string_view what) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return last_errno(what);
  return copy;
}

}  // namespace hobbes::leviathan
