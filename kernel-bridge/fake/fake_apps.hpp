// SPDX-License-Identifier: Apache-2.0
// FakeApps: the applications of a pretend co-kernel. They do nothing: "true" and "false" end at once with status 0 and
// 1, any other program runs until it is killed.
#pragma once

#include <functional>
#include <map>

#include "base/result.hpp"
#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::bridge {

/// One function for each APP_* command (abi/commands.h): from the request's payload to the reply's. One thread.
class FakeApps {
 public:
  using Payload = cmdqueue::Payload;
  using PayloadView = cmdqueue::PayloadView;
  /// Called when an application ends, after its command was carried out.
  using Ended = std::function<void(const hobbes_app_status&)>;

  explicit FakeApps(Ended ended) : ended_(std::move(ended)) {}

  /// HIO_CREATE's part: the id is known from now on.
  [[nodiscard]] Status create(std::uint64_t app_id);
  [[nodiscard]] Result<Payload> launch(PayloadView request);
  [[nodiscard]] Result<Payload> kill(PayloadView request);
  [[nodiscard]] Result<Payload> reap(PayloadView request);
  [[nodiscard]] Result<Payload> list(PayloadView request);

 private:
  [[nodiscard]] Result<hobbes_app_status*> find(std::uint64_t app_id);
  void end(hobbes_app_status& app, hobbes_app_state state, int exit_code, int signal);

  const Ended ended_;
  std::map<std::uint64_t, hobbes_app_status> apps_;
};

}  // namespace hobbes::bridge
