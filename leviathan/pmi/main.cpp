// SPDX-License-Identifier: Apache-2.0
// hobbes-pmi: serves PMI to the ranks of one job for leviathan, and outlives it. See README.md; not for people to run.
#include <signal.h>

#include <cstdlib>
#include <iostream>

#include "base/log.hpp"
#include "leviathan/pmi/options.hpp"
#include "leviathan/pmi/server.hpp"

int main(int argc, char** argv) {
  using namespace hobbes;
  using namespace hobbes::leviathan;
  const auto options = pmi::parse_options({argv + 1, argv + argc});
  if (!options) {
    std::cerr << "hobbes-pmi is started by leviathan: " << options.error().text() << '\n';
    return EXIT_FAILURE;
  }
  for (const int number : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_IGN);
  const std::string space = "job_" + std::to_string(options->app.value);
  pmi::Store store(options->run_dir, options->app, space);
  pmi::Job job(space, options->parts, [&](const std::string& key) { return store.find(key); });
  std::vector<UniqueFd> sockets;
  for (std::uint32_t rank = 0; rank < job.size(); ++rank) {
    sockets.emplace_back(pmi::first_rank_fd + static_cast<int>(rank));
  }
  pmi::Server(std::move(job), store, std::move(sockets)).run();
  return EXIT_SUCCESS;
}
