// SPDX-License-Identifier: Apache-2.0
// A hobbes-proxy for tests with pretend enclaves, whose applications call nobody: it takes its job, and stays until it is
// ended.
#include <unistd.h>

#include "kernel-bridge/host-io/job.hpp"

int main(int argc, char** argv) {
  using namespace hobbes;
  if (argc != 3 || argv[1] != host_io::job_socket_option) return 2;
  const int socket = std::stoi(argv[2]);
  const auto job = host_io::receive_job(socket);
  if (!job || !*job) return 0;
  if (!host_io::receive_channel(socket)) return 0;
  ::close(socket);
  while (true) ::pause();
}
