// SPDX-License-Identifier: Apache-2.0
// hobbes-keeper: looks after one application of the Linux side for leviathan, and outlives it. See job.hpp; not for
// people to run.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/log.hpp"
#include "base/mapping.hpp"
#include "leviathan/apps/keeper/run.hpp"

namespace {

using namespace hobbes;
using namespace hobbes::leviathan::apps;

Result<keeper::Job> read_job() {
  struct stat info = {};
  if (::fstat(keeper::job_fd, &info) != 0) return last_errno("keeper: its job");
  if (info.st_size == 0) return Error(Code::invalid, "keeper: its job is empty");
  const auto mapping = TRY(Mapping::shared(keeper::job_fd, static_cast<std::size_t>(info.st_size), PROT_READ));
  return protocol::decode<keeper::Job>(mapping.bytes());
}

/// False: leviathan died before it could want us.
bool go_came() {
  char go = 0;
  return ::read(keeper::control_fd, &go, sizeof go) == sizeof go;
}

}  // namespace

int main() {
  const auto job = read_job();
  if (!job) {
    std::cerr << "hobbes-keeper is started by leviathan: " << job.error().text() << '\n';
    return EXIT_FAILURE;
  }
  ::close(keeper::job_fd);
  if (!go_came()) return EXIT_FAILURE;
  const Status done = keeper::run(*job);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
