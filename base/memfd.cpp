// SPDX-License-Identifier: Apache-2.0
#include "base/memfd.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace hobbes {

Result<UniqueFd> make_memfd(const char* name, std::uint64_t size) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return last_errno("memfd_create");
  if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) return last_errno("memfd: set its mode");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return last_errno("memfd: set its size");
  if (::fcntl(fd.get(), F_ADD_SEALS, fixed_size_seals) != 0) return last_errno("memfd: seal its size");
  return fd;
}

Result<UniqueFd> reopen_for_reading(int fd) {
  UniqueFd readable(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable) return last_errno("memfd: open it for reading");
  return readable;
}

}  // namespace hobbes
