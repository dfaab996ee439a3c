// SPDX-License-Identifier: Apache-2.0
// Memory that is handed from process to process as a descriptor (memfd_create(2)).
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdint>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes {

/// Whoever maps such a file can rely on its size.
inline constexpr int fixed_size_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/// Makes a large page of small ones in place, Linux 6.1.
#ifdef MADV_COLLAPSE
inline constexpr int madv_collapse = MADV_COLLAPSE;
#else
inline constexpr int madv_collapse = 25;  // not in the headers of Debian 12's libc
#endif

/// A new file of `size` bytes for good, all of them 0. Its mode is 0600: everybody who has been given a memfd for reading
/// could open it again, for writing, too, if its mode let him.
[[nodiscard]] Result<UniqueFd> make_memfd(const char* name, std::uint64_t size);
/// The same file, for reading alone.
[[nodiscard]] Result<UniqueFd> reopen_for_reading(int fd);

}  // namespace hobbes
