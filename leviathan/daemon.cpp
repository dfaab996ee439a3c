// SPDX-License-Identifier: Apache-2.0
// Daemon. What waits for enclaves (recovery, the destructions of a forced stop) runs on a worker, because their answers
// come through the loop.
#include "leviathan/daemon.hpp"

#include <csignal>

#include "base/log.hpp"
#include "leviathan/backings.hpp"
#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/recovery.hpp"

namespace hobbes::leviathan {

using boost::system::error_code;

Daemon::Daemon(Config config, db::Environment environment, std::unique_ptr<bridge::Bridge> bridge)
    : config_(std::move(config)),
      node_(config_.node, std::move(environment), std::move(bridge)),
      parts_(node_),
      server_(node_.loop(), parts_),
      pulse_(node_),
      signals_(node_.loop()) {}

Status Daemon::run() {
  for (const int signal : {SIGTERM, SIGINT}) {
    error_code failed;
    signals_.add(signal, failed);
    if (failed) return errno_error(failed.value(), "signal handling");
  }
  wait_for_signal();
  node_.run_on_worker([this] { prepare(); });
  node_.loop().run();
  node_.join_workers();
  return std::move(outcome_);
}

void Daemon::prepare() {
  Status recovered;
  if (config_.recovers) recovered = recover(node_);
  node_.run_on_loop([this, recovered] {
    if (!recovered) return end(recovered);
    if (config_.recovers) parts_.apps.recover();
    serve();
  });
  if (recovered) record_backings(node_, stopping_);
}

void Daemon::serve() {
  if (stopping_) return;
  if (const Status started = server_.start(node_.run_dir()); !started) return end(started);
  pulse_.start();
  log::info("ready in " + node_.run_dir().string());
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](error_code failed, int) {
    if (failed) return;
    stop();
    wait_for_signal();
  });
}

Result<std::size_t> Daemon::count_enclaves() {
  const auto txn = TRY(node_.db().read());
  return TRY(txn.list<db::Enclave>()).size() - 1;  // the master does not count
}

void Daemon::stop() {
  if (stopping_) return;
  const auto enclaves = count_enclaves();
  if (!enclaves) return log::error(enclaves.error());
  if (*enclaves > 0 && !config_.force) {
    return log::warning("does not stop: " + std::to_string(*enclaves) +
                        (*enclaves == 1 ? " enclave lives; destroy it" : " enclaves live; destroy them") +
                        ", or start with --force");
  }
  stopping_ = true;
  log::info("stops");
  server_.stop();
  pulse_.stop();
  node_.run_on_worker([this] {
    node_.run_on_loop([this, destroyed = enclaves::destroy_all(node_)] { end(destroyed); });
  });
}

void Daemon::end(Status outcome) {
  stopping_ = true;
  outcome_ = std::move(outcome);
  server_.stop();
  node_.loop().stop();
}

}  // namespace hobbes::leviathan
