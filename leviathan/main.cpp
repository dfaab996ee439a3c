// SPDX-License-Identifier: Apache-2.0
// leviathan: the node manager.
#include <malloc.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "kernel-bridge/hosted/hosted_bridge.hpp"
#include "kernel-bridge/pisces/pisces_bridge.hpp"
#include "leviathan/options.hpp"
#include "leviathan/start.hpp"

namespace {

constexpr int usage_error = 2;

/// Messages of some 10 KiB come and go: their memory is kept, not given back to Linux and faulted in again each time.
void keep_freed_memory() {
  constexpr int kept = 32 << 20;
  ::mallopt(M_TRIM_THRESHOLD, kept);
  ::mallopt(M_MMAP_THRESHOLD, kept);
}

std::unique_ptr<hobbes::bridge::Bridge> make_bridge(const std::optional<std::string>& name) {
  using namespace hobbes::bridge;
  if (name ? *name == "pisces" : PiscesBridge::is_here()) return std::make_unique<PiscesBridge>(find_bare_kernel());
  return std::make_unique<HostedBridge>(find_hosted_config());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace hobbes;
  using leviathan::CommandLine;

  const auto line = leviathan::parse_options(argc, argv);
  if (!line) {
    std::cerr << "leviathan: " << line.error().text() << '\n';
    return usage_error;
  }
  switch (line->action) {
    case CommandLine::Action::help:
      std::cout << leviathan::help_text();
      return EXIT_SUCCESS;
    case CommandLine::Action::version:
      std::cout << "leviathan " HOBBES_VERSION "\n";
      return EXIT_SUCCESS;
    case CommandLine::Action::run:
      break;
  }
  keep_freed_memory();
  log::set_threshold(line->options.log_level);
  const Status ended = leviathan::start(line->options, make_bridge(line->options.bridge));
  if (ended) return EXIT_SUCCESS;
  log::error(ended.error());
  return EXIT_FAILURE;
}
