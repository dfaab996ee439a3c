// SPDX-License-Identifier: Apache-2.0
// open_in_root: opens a path that ends below a directory, whatever it says.
#pragma once

#include <linux/openat2.h>

namespace hobbes {

/// openat2() with `how`, whose `resolve` is set here: the kernel resolves "..", absolute paths and symlinks inside of
/// `root` (any descriptor of a directory, O_PATH too), and follows no magic link of /proc. The new descriptor or -errno.
/// Any thread.
[[nodiscard]] int open_in_root(int root, const char* path, open_how how);

}  // namespace hobbes
