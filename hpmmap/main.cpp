// SPDX-License-Identifier: Apache-2.0
// hobbes-hpmmap: runs one program with its memory from a reservation of large pages, and ends as it does.
#include "cokernel/kernel/address_space.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/tracer.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdlib>
#include <iostream>

#include "hpmmap/reserve.hpp"

namespace {

using namespace hobbes;
using namespace hobbes::hpmmap;

constexpr int not_run = 127;

/// They are the program's business; it is in our process group and gets them, too.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

/// As a shell would see the program end.
[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) std::exit(WEXITSTATUS(status));
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int number = WTERMSIG(status);
  ::signal(number, SIG_DFL);
  sigset_t it;
  ::sigemptyset(&it);
  ::sigaddset(&it, number);
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &it, nullptr);
  std::exit(not_run);
}

Result<int> run(std::span<char* const> words) {
  const Options options = TRY(parse_options(words));
  TRY(open_reserve(options.first_fd, options.blocks, options.block_size));
  return Tracer(options).run(options);
}

}  // namespace

int main(int argc, char** argv) {
  block_signals();
  const auto status = run({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  if (!status) {
    std::cerr << status.error().text() << '\n';
    return not_run;
  }
  end_as(*status);
}
