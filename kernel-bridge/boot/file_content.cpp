// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/file_content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/unique_fd.hpp"

namespace hobbes::bridge {

Result<Mapping> read_content(const std::filesystem::path& file, std::string_view what, Bytes limit) {
  const std::string name = std::string(what) + ' ' + file.string();
  const auto refuse = [&name](std::string_view why) { return Error(Code::invalid, name + ": " + std::string(why)); };
  // O_NONBLOCK: a FIFO must not keep us.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return last_errno(name);
  if (!S_ISREG(status.st_mode)) return refuse("not a regular file");
  if (status.st_size == 0) return refuse("empty");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > limit.value) return refuse("larger than " + std::to_string(limit.value >> 20) + " MiB");

  auto content = Mapping::shared(-1, size, PROT_READ | PROT_WRITE, 0, MAP_ANONYMOUS | MAP_POPULATE);
  if (!content) return std::move(content).error().in(name);
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(fd.get(), content->data() + done, size - done, static_cast<off_t>(done));
    if (got < 0) return last_errno(name);
    if (got == 0) return refuse("truncated while it was read");
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace hobbes::bridge
