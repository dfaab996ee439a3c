// SPDX-License-Identifier: Apache-2.0
// Daemon: the running leviathan, all its parts in the order they stand on each other.
#pragma once

#include <atomic>
#include <boost/asio/signal_set.hpp>

#include "leviathan/parts.hpp"
#include "leviathan/pulse.hpp"
#include "leviathan/server/server.hpp"

namespace hobbes::leviathan {

class Daemon {
 public:
  struct Config {
    Node::Config node;
    bool recovers = false;  ///< another leviathan managed the node before
    bool force = false;     ///< a stop destroys enclaves that live
  };

  /// The database holds the node's hardware already.
  Daemon(Config config, db::Environment environment, std::unique_ptr<bridge::Bridge> bridge);

  /// Recovers if it must, then serves until SIGTERM or SIGINT. A stop is refused, and logged, while enclaves or the
  /// master's applications live, unless forced; then they are ended. The error is why it could not start, or what of its stop failed.
  [[nodiscard]] Status run();

 private:
  void prepare();
  void serve();
  void end(Status outcome);
  void wait_for_signal();
  void stop();
  /// What a stop would take along.
  struct Living {
    std::size_t enclaves = 0;
    std::size_t linux_apps = 0;
  };
  [[nodiscard]] Result<Living> count_living();

  const Config config_;
  Node node_;
  Parts parts_;
  Server server_;
  Pulse pulse_;
  boost::asio::signal_set signals_;
  std::atomic<bool> stopping_ = false;  ///< the loop's thread sets it
  Status outcome_;
};

}  // namespace hobbes::leviathan
