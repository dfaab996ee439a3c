// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/native_bell.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace hobbes::host_io {

bool NativeBell::is_native(int block) {
  struct stat file{};
  return ::fstat(block, &file) == 0 && !S_ISREG(file.st_mode);
}

Result<std::optional<NativeBell>> NativeBell::of(const std::vector<BlockOption>& blocks) {
  if (blocks.empty() || !is_native(blocks[0].fd)) return std::optional<NativeBell>();
  UniqueFd fd(::fcntl(blocks[0].fd, F_DUPFD_CLOEXEC, 0));
  if (!fd) return last_errno("bell of the enclave");
  return std::optional(NativeBell(std::move(fd)));
}

void NativeBell::ring() const {
  [[maybe_unused]] const ssize_t rung = ::write(fd_.get(), "", 1);  // fails when there is nobody any more
}

bool NativeBell::wait() const {
  std::uint64_t rings = 0;
  const ssize_t got = ::read(fd_.get(), &rings, sizeof rings);
  // Not one ring: the enclave was destroyed.
  return got == sizeof rings ? rings != 0 : errno == EINTR;
}

}  // namespace hobbes::host_io
