// SPDX-License-Identifier: Apache-2.0
// Registry: the applications that run or are about to, and what is to be done as each of them goes through its life:
//
//   announced --> launched --> finish --> recorded --> settled
//       |  (its launch is     (the kernel  (the         (its proxy has gone and the kernel
//       |   under way)         or keeper    database     has forgotten it: no entry any more)
//       +--> failed            says so)     knows, waiters
//                                           are told)
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "leviathan/apps/adoption.hpp"
#include "leviathan/apps/launcher.hpp"
#include "leviathan/apps/pid_watch.hpp"
#include "leviathan/apps/records.hpp"
#include "leviathan/node.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::apps {

/// The loop's thread alone. Its blocking work goes to the node's workers, which must have ended before it does.
class Registry {
 public:
  explicit Registry(Node& node) : node_(node), patience_(node.loop()) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Its launch is under way in `enclave` (null: on the Linux side).
  void announced(AppId app, const std::shared_ptr<LiveEnclave>& enclave);
  void failed(AppId app) { forget(app); }
  /// It runs. In the foreground it is killed when `session` ends; null: it is detached.
  void launched(Launched launched, const std::shared_ptr<Session>& session);
  /// It runs, started by an earlier leviathan. `helper` is absent if that has ended meanwhile.
  void adopted(const db::App& record, const std::shared_ptr<LiveEnclave>& enclave, std::optional<Helper> helper);

  /// Answers when it has ended.
  void wait(AppId app, CallPtr call);
  /// Its PMI server says that its job cannot go on: it is killed, and that is why. Answers like kill().
  void end_broken(AppId app, const std::string& why, std::function<void(Status)> done);
  /// Answers when the signal is on its way.
  void kill(AppId app, int signal, std::function<void(Status)> done);

  /// Ends the Linux side's applications in order: SIGTERM, a grace, SIGKILL. `done` is called when all have ended and
  /// those who wait for them have been told; also when one does not go. Once.
  void end_linux_apps(std::function<void()> done);

  void enclave_ended(EnclaveId enclave);
  /// Its kernel says how it is.
  void reported(EnclaveId enclave, const hobbes_app_status& status);
  /// Asks the enclave's kernel about all applications that should run there.
  void compare_with_kernel(const std::shared_ptr<LiveEnclave>& enclave);

 private:
  enum class Phase { launching, running, ended };
  struct Waiter {
    CallPtr call;
    std::uint64_t on_close = 0;
  };
  struct Entry {
    EnclaveId enclave;
    std::weak_ptr<LiveEnclave> live;  ///< expired: the Linux side, or the enclave has ended
    bool on_linux = false;
    std::uint64_t channel = 0;
    UniqueFd pmi;                     ///< pidfd of its PMI server; none: it has none, or an earlier leviathan's
    std::string broken;               ///< why its job could not go on; empty: it can
    Phase phase = Phase::launching;
    std::optional<End> end;           ///< while launching: it has ended already
    bool recorded = false;
    std::unique_ptr<PidWatch> helper;
    std::unique_ptr<PidWatch> launcher;  ///< of an adopted foreground application
    std::unique_ptr<boost::asio::steady_timer> grace;
    std::vector<Waiter> waiters;
    std::weak_ptr<Session> session;
    std::uint64_t on_close = 0;
  };

  Entry* find(AppId app);
  void forget(AppId app);
  [[nodiscard]] bool any_on_linux() const;
  void signal_linux_apps(int signal);
  void wait_for_linux_apps(std::chrono::seconds grace, std::function<void()> otherwise);
  void linux_apps_ended();
  void watch_helper(AppId app, Entry& entry, UniqueFd pidfd);
  void watch_launcher(AppId app, Entry& entry, const Launcher& launcher);
  void helper_gone(AppId app);
  void proxy_died(AppId app, const Entry& entry);
  void kill_at_once(AppId app);
  void finish(AppId app, const End& end);
  void recorded(AppId app);
  void tell(Entry& entry);
  void settle(AppId app);
  void compare(EnclaveId enclave, const std::vector<hobbes_app_status>& statuses);
  void answer_from_database(AppId app, Call& call);

  Node& node_;
  std::map<AppId, Entry> entries_;
  std::map<AppId, End> recent_ends_;  ///< also of those whose records have been replaced
  bool linux_apps_end_ = false;       ///< end_linux_apps() was called
  std::function<void()> all_ended_;   ///< its `done`, until it is called
  boost::asio::steady_timer patience_;
};

}  // namespace hobbes::leviathan::apps
