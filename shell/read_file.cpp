// SPDX-License-Identifier: Apache-2.0
#include "shell/read_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/unique_fd.hpp"

namespace hobbes::shell {
namespace {

constexpr std::size_t max_size = std::size_t{1} << 20;
constexpr std::size_t chunk = 4096;

}  // namespace

Result<std::string> read_descriptor(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_errno(path);
  std::string text;
  while (true) {
    const std::size_t used = text.size();
    text.resize(used + chunk);
    const ssize_t got = read(fd.get(), text.data() + used, chunk);
    if (got < 0 && errno != EINTR) return last_errno(path);
    text.resize(used + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return text;
    if (text.size() > max_size) return Error(Code::invalid, path + ": larger than 1 MiB: not a descriptor");
  }
}

}  // namespace hobbes::shell
