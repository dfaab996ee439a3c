// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_apps.hpp"

#include <filesystem>

#include "kernel-bridge/fake/payload.hpp"

namespace hobbes::bridge {

Result<hobbes_app_status*> FakeApps::find(std::uint64_t app_id) {
  const auto app = apps_.find(app_id);
  if (app == apps_.end()) return Error(Code::not_found, "application " + std::to_string(app_id) + ": there is none");
  return &app->second;
}

void FakeApps::end(hobbes_app_status& app, hobbes_app_state state, int exit_code, int signal) {
  app = {app.app_id, state, exit_code, signal, 0, 0, 0};
  ended_(app);
}

Status FakeApps::create(std::uint64_t app_id) {
  if (!apps_.try_emplace(app_id, hobbes_app_status{app_id, HOBBES_APP_INITTED, 0, 0, 0, 0, 0}).second)
    return Error(Code::exists, "application " + std::to_string(app_id) + ": it has a channel already");
  return {};
}

Result<cmdqueue::Payload> FakeApps::launch(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_app_launch>(request));
  const std::string program = std::filesystem::path(TRY(read_text(request, sizeof wanted))).filename();
  hobbes_app_status& app = *TRY(find(wanted.app_id));
  if (app.state != HOBBES_APP_INITTED) return Error(Code::busy, "application: it was launched already");
  app.state = HOBBES_APP_RUNNING;
  app.processes = wanted.ranks;
  if (program == "true") end(app, HOBBES_APP_STOPPED, 0, 0);
  if (program == "false") end(app, HOBBES_APP_STOPPED, 1, 0);
  return Payload();
}

Result<cmdqueue::Payload> FakeApps::kill(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_app_kill>(request));
  hobbes_app_status& app = *TRY(find(wanted.app_id));
  if (app.state != HOBBES_APP_RUNNING) return Error(Code::not_found, "application: it does not run");
  end(app, HOBBES_APP_CRASHED, 0, wanted.signal);
  return Payload();
}

Result<cmdqueue::Payload> FakeApps::reap(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_app_ref>(request));
  if (TRY(find(wanted.app_id))->state == HOBBES_APP_RUNNING) return Error(Code::busy, "application: it still runs");
  apps_.erase(wanted.app_id);
  return Payload();
}

Result<cmdqueue::Payload> FakeApps::list(PayloadView) {
  Payload payload;
  for (const auto& [id, app] : apps_) append(payload, cmdqueue::payload_of_struct(app));
  return payload;
}

}  // namespace hobbes::bridge
