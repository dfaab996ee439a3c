// SPDX-License-Identifier: Apache-2.0
// Apps: the applications of the node: in enclaves, each with its host-I/O proxy, and on the Linux side, each below a
// keeper. It starts them, passes signals on, notices their end, tells those who wait, and takes hold of them again after
// a restart of leviathan.
#pragma once

#include <functional>
#include <memory>

#include "leviathan/node.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::apps {

class Apps : public EnclaveObserver {
 public:
  /// Observes the node.
  explicit Apps(Node& node);
  ~Apps() override;
  Apps(const Apps&) = delete;
  Apps& operator=(const Apps&) = delete;

  // The loop's thread.
  /// After a start, when every enclave that lives has been adopted and before clients are served: rolls back the
  /// launches in the journal (operations launch_app are this class's) and takes hold of the Linux side's applications.
  void recover();
  /// Each answers its call: at once, when the launch is done, or when the application has ended.
  void launch(CallPtr call);
  void wait(CallPtr call);
  void kill(CallPtr call);
  /// A job that cannot go on: Registry::end_broken().
  void end_broken(AppId app, const std::string& why, std::function<void(Status)> done);
  /// Ends the Linux side's applications in order; `done` is called when they have ended. Whatever is launched there from
  /// now on is ended, too.
  void end_linux_apps(std::function<void()> done);

  void enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) override;
  void enclave_ended(EnclaveId enclave) override;
  void app_ended(EnclaveId enclave, const hobbes_app_status& status) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hobbes::leviathan::apps
