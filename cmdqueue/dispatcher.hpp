// SPDX-License-Identifier: Apache-2.0
// Dispatcher: which handler serves which command code.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "cmdqueue/server_end.hpp"

namespace hobbes::cmdqueue {

class Dispatcher {
 public:
  /// Answers through the server, before it returns or later; must not block.
  using Handler = std::function<void(ServerEnd&, Request)>;

  /// Replaces an earlier handler of the code.
  void on(std::uint32_t code, Handler handler);

  /// Runs the code's handler; without one, refuses the request with Code::unsupported. The error is the refusal's.
  [[nodiscard]] Status dispatch(ServerEnd& server, Request request) const;

 private:
  std::unordered_map<std::uint32_t, Handler> handlers_;
};

}  // namespace hobbes::cmdqueue
