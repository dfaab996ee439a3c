// SPDX-License-Identifier: Apache-2.0
// Consoles: enclaves' consoles for clients. Any number of clients read one console, each from the oldest output still
// there; what any of them types goes to the enclave in the order it came.
#pragma once

#include <memory>

#include "leviathan/node.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::consoles {

class Consoles : public EnclaveObserver {
 public:
  /// Observes the node.
  explicit Consoles(Node& node);
  ~Consoles() override;
  Consoles(const Consoles&) = delete;
  Consoles& operator=(const Consoles&) = delete;

  // The loop's thread. Each answers its call.
  void open(CallPtr call);
  void type(CallPtr call);
  void close(CallPtr call);

  void enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) override;
  void enclave_ended(EnclaveId enclave) override;
  void app_ended(EnclaveId enclave, const hobbes_app_status& status) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hobbes::leviathan::consoles
