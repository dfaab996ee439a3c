// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/apps.hpp"

#include <signal.h>

#include <boost/asio/post.hpp>
#include <map>

#include "base/log.hpp"
#include "leviathan/apps/enclave_app.hpp"
#include "leviathan/apps/linux_app.hpp"
#include "leviathan/apps/registry.hpp"
#include "leviathan/server/session.hpp"

namespace hobbes::leviathan::apps {
namespace {

using Helpers = std::multimap<AppId, Helper>;

std::optional<Helper> take(Helpers& helpers, AppId app) {
  auto node = helpers.extract(app);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

/// Ends what a launch that nobody will finish has started.
void end_halves(Node& node, const db::Operation& operation, std::optional<Helper> helper) {
  const auto enclave = node.live(operation.enclave);
  const auto shared = std::make_shared<std::optional<Helper>>(std::move(helper));
  node.run_on_worker([&node, enclave, app = operation.app, shared] {
    const int pidfd = *shared ? (*shared)->pidfd.get() : -1;
    if (enclave) {
      undo_enclave_app(*enclave, app, pidfd);
    } else if (pidfd >= 0) {
      undo_linux_app(node.run_dir(), app, pidfd);
    }
  });
}

/// An application is its launcher's. One that the database has forgotten is nobody's.
Status check_use(Node& node, const Caller& caller, AppId app) {
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.get<db::App>(app));
  return record ? leviathan::check_use(caller, record->owner_uid, "application '" + record->name + "'") : Status();
}

Status roll_back_launches(Node& node, Helpers& helpers) {
  auto txn = TRY(node.db().write());
  for (const db::Operation& operation : TRY(db::pending_operations(txn))) {
    if (operation.what != db::OperationKind::launch_app) continue;
    TRY(abort_launch(txn, {.app = operation.app, .name = {}, .operation = operation.id}, "leviathan died during its launch"));
    end_halves(node, operation, take(helpers, operation.app));
  }
  return std::move(txn).commit();
}

}  // namespace

struct Apps::State {
  explicit State(Node& its_node) : node(its_node), registry(its_node), proxies(its_node.run_dir()) {}

  Status adopt_running(Helpers& helpers) {
    const auto txn = TRY(node.db().read());
    for (const db::App& record : TRY(txn.list_by_state<db::App>(db::AppState::running))) {
      const auto enclave = node.live(record.enclave);
      if (!enclave && record.enclave != master_enclave) continue;  // ended with its enclave
      registry.adopted(record, enclave, take(helpers, record.id));
    }
    return {};
  }

  Node& node;
  Registry registry;
  ProxyStock proxies;
};

Apps::Apps(Node& node) : state_(std::make_shared<State>(node)) { node.observe(*this); }
Apps::~Apps() = default;

void Apps::recover() {
  Helpers helpers = find_helpers(state_->node.run_dir());
  if (const Status rolled = roll_back_launches(state_->node, helpers); !rolled) log::error(rolled.error());
  if (const Status adopted = state_->adopt_running(helpers); !adopted) log::error(adopted.error());
  for (const auto& enclave : state_->node.all_live()) state_->registry.compare_with_kernel(enclave);
  for (const auto& [app, helper] : helpers) end_helper(helper.pidfd.get());  // of applications that have ended
}

void Apps::launch(CallPtr call) {
  auto request = protocol::decode<protocol::LaunchApp>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  auto order = std::make_shared<Order>(Order{*std::move(request), call->caller(), {}});
  if (!order->request.detach) {
    auto stdio = call->session()->take_fds(order->request.stdio_token);
    if (!stdio) return call->reply(Status(stdio.error()));
    order->stdio = *std::move(stdio);
  }
  state_->node.run_on_worker([state = state_, call = std::move(call), order = std::move(order)] {
    const auto session = order->request.detach ? nullptr : call->session();
    std::optional<AppId> announced;
    auto launched = std::make_shared<Result<Launched>>(
        apps::launch(state->node, state->proxies, std::move(*order), [&](AppId app, const std::shared_ptr<LiveEnclave>& enclave) {
          announced = app;
          state->node.run_on_loop([state, app, enclave] { state->registry.announced(app, enclave); });
        }));
    state->node.run_on_loop([state, call, session, announced, launched] {
      boost::asio::post(state->node.loop(), [state] { state->proxies.fill(); });  // when the caller has his answer
      if (!*launched) {
        if (announced) state->registry.failed(*announced);
        return call->reply(Status(launched->error()));
      }
      call->reply(protocol::encode(protocol::AppRef{(*launched)->launch.app}));
      state->registry.launched(*std::move(*launched), session);
    });
  });
}

void Apps::wait(CallPtr call) {
  const auto request = protocol::decode<protocol::AppRef>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  if (const Status allowed = check_use(state_->node, call->caller(), request->app); !allowed) return call->reply(allowed);
  state_->registry.wait(request->app, std::move(call));
}

void Apps::kill(CallPtr call) {
  const auto request = protocol::decode<protocol::KillApp>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  if (request->signal < 1 || request->signal > SIGRTMAX) {
    return call->reply(Status(Error(Code::invalid, "kill_app: there is no signal " + std::to_string(request->signal))));
  }
  if (const Status allowed = check_use(state_->node, call->caller(), request->app); !allowed) return call->reply(allowed);
  state_->registry.kill(request->app, request->signal, [call](const Status& sent) { call->reply(sent); });
}

void Apps::end_broken(AppId app, const std::string& why, std::function<void(Status)> done) {
  state_->registry.end_broken(app, why, std::move(done));
}

void Apps::end_linux_apps(std::function<void()> done) { state_->registry.end_linux_apps(std::move(done)); }

void Apps::enclave_started(const std::shared_ptr<LiveEnclave>&, bool) {
  state_->proxies.fill();  // applications will follow; those it may have already are found by recover(), all at once
}
void Apps::enclave_ended(EnclaveId enclave) { state_->registry.enclave_ended(enclave); }
void Apps::app_ended(EnclaveId enclave, const hobbes_app_status& status) { state_->registry.reported(enclave, status); }

}  // namespace hobbes::leviathan::apps
