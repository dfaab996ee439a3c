// SPDX-License-Identifier: Apache-2.0
#include "shell/script.hpp"

#include <fcntl.h>

#include <csignal>

#include "base/unique_fd.hpp"
#include "shell/line.hpp"
#include "shell/line_reader.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {

int run_script(Shell& shell, int fd, const std::string& name, bool keep_going) {
  LineReader lines(fd, name);
  int first_failure = exit_done;
  for (unsigned number = 1;; ++number) {
    const auto line = lines.next();
    if (!line) {
      shell.place.clear();
      shell.complain(line.error().text());
      return exit_failed;
    }
    if (!*line) return first_failure;
    shell.place = name + ":" + std::to_string(number) + ": ";
    const int status = run_line(shell, **line);
    if (shell.leaving) return status;
    if (first_failure == exit_done) first_failure = status;
    // Who presses Ctrl-C does not want the rest either.
    if (status == exit_by_signal(SIGINT) || (status != exit_done && !keep_going)) return status;
  }
}

int run_script_file(Shell& shell, const std::string& path, bool keep_going) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    shell.complain(last_errno(path).text());
    return exit_failed;
  }
  return run_script(shell, file.get(), path, keep_going);
}

}  // namespace hobbes::shell
