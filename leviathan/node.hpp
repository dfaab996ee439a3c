// SPDX-License-Identifier: Apache-2.0
// Node: the state of the running daemon: database, bridge, living enclaves, the event loop and its workers.
//
// Threads: one thread runs the loop and all handlers; workers run what may block. Members below say who may call them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"
#include "db/environment.hpp"
#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/bridge.hpp"
#include "leviathan/caller.hpp"
#include "leviathan/enclave_lock.hpp"
#include "leviathan/live_enclave.hpp"

namespace hobbes::leviathan {

/// Whoever keeps state about enclaves besides the database hears of their coming and going here. Called on the loop's
/// thread, after the database says so; must not block.
class EnclaveObserver {
 public:
  virtual ~EnclaveObserver() = default;

  /// It runs, and serves its control queue. `adopted`: another leviathan booted it, so it may have applications already.
  virtual void enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) = 0;
  /// It crashed, or is being destroyed: its memory is about to go. The database has its applications ended already.
  virtual void enclave_ended(EnclaveId enclave) = 0;
  /// Its kernel reports the end of an application (HOBBES_EVENT_APP_ENDED).
  virtual void app_ended(EnclaveId enclave, const hobbes_app_status& status) = 0;
  /// Its kernel asks for something of XEMEM (HOBBES_EVENT_XEMEM).
  virtual void xemem_requested(EnclaveId, std::span<const std::byte>) {}
};

class Node {
 public:
  struct Config {
    std::filesystem::path run_dir;
    Bytes block_size;
    Policy policy = Policy::here();  ///< who may do what
  };

  Node(Config config, db::Environment environment, std::unique_ptr<bridge::Bridge> bridge);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  // Any thread.
  [[nodiscard]] const std::filesystem::path& run_dir() const { return config_.run_dir; }
  [[nodiscard]] Bytes block_size() const { return config_.block_size; }
  [[nodiscard]] const Policy& policy() const { return config_.policy; }
  [[nodiscard]] db::Environment& db() { return environment_; }
  [[nodiscard]] bridge::Bridge& bridge() { return *bridge_; }
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  [[nodiscard]] EnclaveLocks& locks() { return locks_; }
  /// The directory of one enclave's files: <run_dir>/enclaves/<id>.
  [[nodiscard]] std::filesystem::path enclave_dir(EnclaveId enclave) const;

  /// Runs `work` on a worker, soon. It may block.
  void run_on_worker(std::function<void()> work);
  /// Runs `work` on the loop's thread, soon; in the order of the calls from one thread.
  void run_on_loop(std::function<void()> work);
  /// The same, and waits until it is done. Workers only.
  void run_on_loop_and_wait(std::function<void()> work);
  /// Null: it is not alive (or there is none).
  [[nodiscard]] std::shared_ptr<LiveEnclave> live(EnclaveId enclave) const;
  /// By name. not_found: no such enclave; unavailable: it does not run (crashed, or the master, which nobody boots).
  [[nodiscard]] Result<std::shared_ptr<LiveEnclave>> live(std::string_view name);
  [[nodiscard]] std::vector<std::shared_ptr<LiveEnclave>> all_live() const;
  /// Puts a booted or adopted enclave among the living: its death and its events are watched from now on, and the
  /// observers hear of it. The database says that it runs already.
  void enliven(std::shared_ptr<LiveEnclave> enclave, bool adopted);
  /// Takes it out again, so that nobody finds it and its death is expected, and tells the observers. Its control queue
  /// still works. Harmless if it is not among the living.
  void retire(EnclaveId enclave);

  // The loop's thread, before enclaves come.
  /// `observer` outlives the loop.
  void observe(EnclaveObserver& observer);

  /// Waits for all workers. No more work is accepted. Not from a worker or the loop's thread while work needs the loop.
  void join_workers();

 private:
  void watch(const std::shared_ptr<LiveEnclave>& enclave);
  void died(const std::shared_ptr<LiveEnclave>& enclave);
  void event(EnclaveId enclave, std::uint32_t code, std::span<const std::byte> payload);

  Config config_;
  db::Environment environment_;
  std::unique_ptr<bridge::Bridge> bridge_;
  boost::asio::io_context loop_;
  boost::asio::thread_pool workers_;
  EnclaveLocks locks_;
  std::vector<EnclaveObserver*> observers_;  ///< the loop's thread
  mutable std::mutex mutex_;
  std::map<EnclaveId, std::shared_ptr<LiveEnclave>> live_;  ///< under mutex_
};

}  // namespace hobbes::leviathan
