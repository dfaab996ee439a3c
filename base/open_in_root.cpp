// SPDX-License-Identifier: Apache-2.0
#include "base/open_in_root.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace hobbes {
namespace {

/// openat2 gives up with EAGAIN where "..", and a rename anywhere, coincide; it says so falsely at times.
constexpr int resolve_attempts = 64;

}  // namespace

int open_in_root(int root, const char* path, open_how how) {
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EAGAIN || attempt == resolve_attempts) return -errno;
  }
}

}  // namespace hobbes
