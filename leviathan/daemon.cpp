// SPDX-License-Identifier: Apache-2.0
// Daemon. What waits for enclaves (recovery, the destructions of a forced stop) runs on a worker, because their answers
// come through the loop.
#include "leviathan/daemon.hpp"

#include <csignal>

#include "base/log.hpp"
#include "leviathan/apps/helper.hpp"
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
    if (config_.recovers) parts_.segments.recover();
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

Result<Daemon::Living> Daemon::count_living() {
  const auto txn = TRY(node_.db().read());
  Living living{.enclaves = TRY(txn.list<db::Enclave>()).size() - 1};  // the master does not count
  for (const db::App& app : TRY(txn.list<db::App>()))
    living.linux_apps += app.enclave == master_enclave && app.state == db::AppState::running;
  return living;
}

void Daemon::stop() {
  if (stopping_) return;
  const auto living = count_living();
  if (!living) return log::error(living.error());
  if (living->enclaves + living->linux_apps > 0 && !config_.force) {
    return log::warning("does not stop: enclaves that live: " + std::to_string(living->enclaves) +
                        ", applications of the master: " + std::to_string(living->linux_apps) +
                        "; destroy and kill them, or start with --force");
  }
  stopping_ = true;
  log::info("stops");
  server_.accept_no_more();  // those who wait for an application are to hear of its end
  pulse_.stop();
  parts_.apps.end_linux_apps([this] {
    node_.run_on_worker([this] {
      const Status destroyed = enclaves::destroy_all(node_);
      for (const auto& [app, helper] : apps::find_helpers(node_.run_dir())) apps::end_helper(helper.pidfd.get());
      node_.run_on_loop([this, destroyed] { end(destroyed); });
    });
  });
}

void Daemon::end(Status outcome) {
  stopping_ = true;
  outcome_ = std::move(outcome);
  server_.stop();
  node_.loop().stop();
}

}  // namespace hobbes::leviathan
