// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/registry.hpp"

#include <signal.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "leviathan/apps/enclave_app.hpp"
#include "leviathan/apps/keeper/rank_death.hpp"
#include "leviathan/apps/linux_app.hpp"
#include "leviathan/apps/proxy.hpp"
#include "leviathan/server/session.hpp"

namespace hobbes::leviathan::apps {
namespace {

/// For a proxy to leave by itself after its application's end.
constexpr std::chrono::seconds proxy_grace{2};
/// For the Linux side's applications to end when they are asked to, and again when they are killed.
constexpr std::chrono::seconds linux_grace{5};
constexpr std::size_t recent_ends_kept = 4 * ended_apps_kept;

std::string label(AppId app) { return "application " + std::to_string(app.value); }

Payload encode_end(const End& end) {
  return protocol::encode(protocol::AppEnd{.exit_code = end.exit_code, .signal = end.signal, .reason = end.reason});
}

/// Nothing: it has processes still.
std::optional<End> end_in(const hobbes_app_status& status) {
  const bool over = status.state == HOBBES_APP_STOPPED || status.state == HOBBES_APP_CRASHED;
  if (!over || status.processes > 0) return std::nullopt;
  End end{.exit_code = status.exit_code, .signal = status.signal};
  if (status.dead_rank != 0) end.reason = rank_death(status.dead_rank - 1, status.signal);
  return end;
}

void remove_log(Node& node, AppId app) {
  std::error_code ignored;  // it may have had none
  std::filesystem::remove(log_file(node.run_dir(), app), ignored);
}

/// The blocks that an application of Linux has had of its own, zeroed. Not free yet.
Result<std::optional<db::Operation>> clear_memory(Node& node, AppId app) {
  auto txn = TRY(node.db().write());
  auto release = TRY(begin_release(txn, app));
  TRY(std::move(txn).commit());
  if (release) {
    for (const db::PhysAddr block : release->release.blocks) TRY(node.bridge().scrub(block.value));
  }
  return release;
}

/// In the database, and what the database forgets for it.
Status write_end(Node& node, AppId app, const End& end) {
  const auto release = TRY(clear_memory(node, app));
  auto txn = TRY(node.db().write());
  if (release) TRY(db::commit_operation(txn, release->id));
  const auto forgotten = TRY(record_end(txn, app, end));
  TRY(std::move(txn).commit());
  for (const AppId old : forgotten) remove_log(node, old);
  return {};
}

bool has_record(Node& node, AppId app) {
  const auto find = [&]() -> Result<bool> { return TRY(TRY(node.db().read()).get<db::App>(app)).has_value(); };
  const auto found = find();
  if (!found) log::error(found.error());
  return !found || *found;
}

}  // namespace

Registry::Entry* Registry::find(AppId app) {
  const auto found = entries_.find(app);
  return found == entries_.end() ? nullptr : &found->second;
}

void Registry::forget(AppId app) {
  if (Entry* entry = find(app); entry != nullptr && entry->pmi) {
    // It ends with the ranks, and waits for us to take notice.
    node_.run_on_worker([server = std::make_shared<UniqueFd>(std::move(entry->pmi))] {
      end_helper(server->get());
      await_helper_end(server->get());
    });
  }
  entries_.erase(app);
  if (linux_apps_end_ && !any_on_linux()) linux_apps_ended();
}

void Registry::announced(AppId app, const std::shared_ptr<LiveEnclave>& enclave) {
  Entry& entry = entries_[app];
  entry.live = enclave;
  entry.on_linux = enclave == nullptr;
  entry.enclave = enclave ? enclave->id : master_enclave;
}

void Registry::launched(Launched launched, const std::shared_ptr<Session>& session) {
  const AppId app = launched.launch.app;
  Entry* entry = find(app);
  if (entry == nullptr) return;
  entry->phase = Phase::running;
  entry->channel = launched.channel;
  if (launched.pmi) entry->pmi = std::move(launched.pmi->pidfd);
  watch_helper(app, *entry, std::move(launched.helper.pidfd));
  if (entry->end) return finish(app, *entry->end);
  if (entry->on_linux && linux_apps_end_) return kill_at_once(app);
  if (!session) return;
  entry->session = session;
  const std::uint64_t number = session->on_close([this, app] { kill_at_once(app); });
  entry->on_close = number;
}

void Registry::adopted(const db::App& record, const std::shared_ptr<LiveEnclave>& enclave,
                       std::optional<Helper> helper) {
  announced(record.id, enclave);
  Entry& entry = entries_[record.id];
  entry.phase = Phase::running;
  const auto adoption = parse_adoption(record.proxy_state);
  if (!adoption) log::error(adoption.error());
  if (adoption) entry.channel = adoption->channel;
  if (helper) {
    if (enclave) {
      if (const Status listed = enclave->proxies.add(record.id, *helper); !listed) log::error(listed.error());
    }
    watch_helper(record.id, entry, std::move(helper->pidfd));
  } else {
    node_.run_on_loop([this, app = record.id] { helper_gone(app); });
  }
  if (!record.detached && adoption) watch_launcher(record.id, entry, adoption->launcher);
}

void Registry::watch_helper(AppId app, Entry& entry, UniqueFd pidfd) {
  entry.helper = std::make_unique<PidWatch>(node_.loop(), std::move(pidfd), [this, app] { helper_gone(app); });
}

void Registry::watch_launcher(AppId app, Entry& entry, const Launcher& launcher) {
  auto pidfd = open_launcher(launcher);
  if (!pidfd) {
    node_.run_on_loop([this, app] { kill_at_once(app); });
    return;
  }
  entry.launcher = std::make_unique<PidWatch>(node_.loop(), *std::move(pidfd), [this, app] { kill_at_once(app); });
}

void Registry::helper_gone(AppId app) {
  Entry* entry = find(app);
  if (entry == nullptr) return;
  if (entry->helper) {
    const auto reaped = reap(entry->helper->pidfd());
    if (!reaped) log::debug(reaped.error().text());  // an earlier leviathan's child
    entry->helper.reset();
  }
  if (entry->on_linux) return finish(app, end_of_linux_app(node_.run_dir(), app));
  if (entry->phase == Phase::running) return proxy_died(app, *entry);
  if (entry->recorded) settle(app);
}

void Registry::proxy_died(AppId app, const Entry& entry) {
  log::warning(label(app) + ": its host-I/O proxy has gone: its host calls fail from now on");
  node_.run_on_worker([app, enclave = entry.live.lock(), channel = entry.channel] {
    if (!enclave) return;
    Status told = declare_proxy_dead(*enclave->machine, channel);
    if (!told) log::error(std::move(told).error().in(label(app)));
  });
}

void Registry::wait(AppId app, CallPtr call) {
  Entry* entry = find(app);
  if (entry == nullptr) return answer_from_database(app, *call);
  if (entry->recorded) return call->reply(encode_end(*entry->end));
  const Call* waiting = call.get();
  entry->waiters.push_back({call});
  const std::uint64_t number = call->session()->on_close([this, app, waiting] {
    if (Entry* still = find(app)) {
      std::erase_if(still->waiters, [&](const Waiter& waiter) { return waiter.call.get() == waiting; });
    }
  });
  if (!entry->waiters.empty() && entry->waiters.back().call == call) entry->waiters.back().on_close = number;
}

void Registry::answer_from_database(AppId app, Call& call) {
  const auto read = [&]() -> Result<Payload> {
    if (const auto recent = recent_ends_.find(app); recent != recent_ends_.end()) return encode_end(recent->second);
    const auto txn = TRY(node_.db().read());
    const auto record = TRY(txn.get<db::App>(app));
    if (!record) return Error(Code::not_found, label(app) + ": there is none");
    if (const auto end = end_of(*record)) return encode_end(*end);
    return Error(Code::unavailable, label(app) + ": is not looked after");
  };
  call.reply(read());
}

void Registry::kill(AppId app, int signal, std::function<void(Status)> done) {
  const Entry* entry = find(app);
  if (entry == nullptr) return done(Error(Code::not_found, label(app) + ": there is none that runs"));
  if (entry->phase == Phase::launching) return done(Error(Code::busy, label(app) + ": is still being launched"));
  if (entry->phase == Phase::ended) return done(Error(Code::not_found, label(app) + ": has ended"));
  if (entry->on_linux) return done(signal_linux_app(entry->helper->pidfd(), signal));
  if (const auto enclave = entry->live.lock()) return kill_enclave_app(*enclave, app, signal, std::move(done));
  done(Error(Code::unavailable, label(app) + ": its enclave has ended"));
}

void Registry::end_broken(AppId app, const std::string& why, std::function<void(Status)> done) {
  if (Entry* entry = find(app); entry != nullptr && entry->phase != Phase::ended) entry->broken = why;
  kill(app, SIGKILL, std::move(done));
}

void Registry::kill_at_once(AppId app) {
  if (const Entry* entry = find(app); entry == nullptr || entry->phase == Phase::ended) return;
  kill(app, SIGKILL, [app](const Status& killed) {
    if (!killed) log::warning(label(app) + ": its launcher has gone, but: " + killed.error().text());
  });
}

void Registry::reported(EnclaveId enclave, const hobbes_app_status& status) {
  const auto end = end_in(status);
  if (!end) return;
  const AppId app(status.app_id);
  if (Entry* entry = find(app)) {
    if (entry->enclave == enclave) finish(app, *end);
  } else if (const auto live = node_.live(enclave); live && !has_record(node_, app)) {
    forget_enclave_app(*live, app);  // its launch was taken back
  }  // else: recover() has not come to it yet, and will ask the kernel itself
}

void Registry::finish(AppId app, const End& end) {
  Entry* entry = find(app);
  if (entry == nullptr || entry->phase == Phase::ended) return;
  entry->end = end;
  if (entry->end->reason.empty()) entry->end->reason = entry->broken;
  if (entry->phase == Phase::launching) return;  // launched() goes on from here
  entry->phase = Phase::ended;
  node_.run_on_worker([this, app, end = *entry->end] {
    if (const Status written = write_end(node_, app, end); !written) log::error(written.error());
    node_.run_on_loop([this, app] { recorded(app); });
  });
}

void Registry::recorded(AppId app) {
  Entry* entry = find(app);
  if (entry == nullptr) return;
  entry->recorded = true;
  entry->launcher.reset();
  recent_ends_[app] = *entry->end;
  if (recent_ends_.size() > recent_ends_kept) recent_ends_.erase(recent_ends_.begin());
  tell(*entry);
  if (!has_record(node_, app)) remove_log(node_, app);  // its enclave was destroyed
  settle(app);
}

void Registry::tell(Entry& entry) {
  for (const Waiter& waiter : std::exchange(entry.waiters, {})) {
    waiter.call->reply(encode_end(*entry.end));
    waiter.call->session()->forget(waiter.on_close);
  }
  if (const auto session = entry.session.lock()) session->forget(entry.on_close);
}

void Registry::settle(AppId app) {
  Entry& entry = *find(app);
  if (entry.on_linux) {
    forget_linux_app(node_.run_dir(), app);
    forget(app);
    return;
  }
  if (entry.helper) {
    entry.grace = std::make_unique<boost::asio::steady_timer>(node_.loop(), proxy_grace);
    entry.grace->async_wait([this, app](boost::system::error_code cancelled) {
      const Entry* late = cancelled ? nullptr : find(app);
      if (late != nullptr && late->helper) end_helper(late->helper->pidfd());
    });
    return;  // helper_gone() comes back here
  }
  if (const auto enclave = entry.live.lock()) forget_enclave_app(*enclave, app);
  forget(app);
}

bool Registry::any_on_linux() const {
  return std::ranges::any_of(entries_, [](const auto& item) { return item.second.on_linux; });
}

void Registry::end_linux_apps(std::function<void()> done) {
  linux_apps_end_ = true;
  all_ended_ = std::move(done);
  if (!any_on_linux()) return linux_apps_ended();
  signal_linux_apps(SIGTERM);
  wait_for_linux_apps(linux_grace, [this] {
    signal_linux_apps(SIGKILL);
    wait_for_linux_apps(linux_grace, [this] {
      log::warning("an application of the master does not end");
      linux_apps_ended();
    });
  });
}

void Registry::signal_linux_apps(int signal) {
  for (const auto& [app, entry] : entries_) {
    // What is being launched is ended when it runs; what has no keeper any more is about to be recorded.
    if (!entry.on_linux || entry.phase != Phase::running || !entry.helper) continue;
    const Status sent = signal_linux_app(entry.helper->pidfd(), signal);
    if (!sent) log::debug(sent.error().text());  // it has just ended
  }
}

void Registry::wait_for_linux_apps(std::chrono::seconds grace, std::function<void()> otherwise) {
  patience_.expires_after(grace);
  patience_.async_wait([otherwise = std::move(otherwise)](boost::system::error_code cancelled) {
    if (!cancelled) otherwise();
  });
}

void Registry::linux_apps_ended() {
  patience_.cancel();
  if (const auto done = std::exchange(all_ended_, {})) done();
}

void Registry::enclave_ended(EnclaveId enclave) {
  std::vector<AppId> ended;
  for (auto& [app, entry] : entries_) {
    if (entry.on_linux || entry.enclave != enclave) continue;
    entry.live.reset();
    if (entry.helper) end_helper(entry.helper->pidfd());
    if (entry.phase != Phase::ended) entry.end = End{.signal = SIGKILL, .reason = "its enclave ended"};
    if (entry.phase != Phase::running) continue;  // a launch under way fails by itself
    entry.phase = Phase::ended;
    ended.push_back(app);
  }
  for (const AppId app : ended) recorded(app);  // by whoever ended the enclave
}

void Registry::compare_with_kernel(const std::shared_ptr<LiveEnclave>& enclave) {
  node_.run_on_worker([this, enclave] {
    auto statuses = list_enclave_apps(*enclave);
    if (!statuses) return log::error(statuses.error());
    node_.run_on_loop([this, id = enclave->id, list = *std::move(statuses)] { compare(id, list); });
  });
}

void Registry::compare(EnclaveId enclave, const std::vector<hobbes_app_status>& statuses) {
  for (const hobbes_app_status& status : statuses) reported(enclave, status);
  std::vector<AppId> lost;
  for (const auto& [app, entry] : entries_) {
    const bool known = std::ranges::any_of(statuses, [&](const auto& status) { return status.app_id == app.value; });
    if (!entry.on_linux && entry.enclave == enclave && entry.phase == Phase::running && !known) lost.push_back(app);
  }
  for (const AppId app : lost) finish(app, {.signal = SIGKILL, .reason = "its enclave does not know it any more"});
}

}  // namespace hobbes::leviathan::apps
