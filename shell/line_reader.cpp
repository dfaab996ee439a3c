// SPDX-License-Identifier: Apache-2.0
#include "shell/line_reader.hpp"

#include <unistd.h>

#include <cerrno>

namespace hobbes::shell {

Result<std::optional<std::string>> LineReader::next() {
  std::string line;
  while (true) {
    char c = 0;
    const ssize_t got = read(fd_, &c, 1);  // one by one: what is read too much could not be put back into a pipe
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_errno(name_);
    if (got == 0 && line.empty()) return std::optional<std::string>();
    if (got == 0 || c == '\n') return std::optional(std::move(line));
    if (line.size() == max_length) return Error(Code::invalid, name_ + ": a line is longer than 1 MiB: not a script");
    line += c;
  }
}

}  // namespace hobbes::shell
