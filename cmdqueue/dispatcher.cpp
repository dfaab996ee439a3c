// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/dispatcher.hpp"

#include <string>
#include <utility>

namespace hobbes::cmdqueue {

void Dispatcher::on(std::uint32_t code, Handler handler) {
  handlers_.insert_or_assign(code, std::move(handler));
}

Status Dispatcher::dispatch(ServerEnd& server, Request request) const {
  const auto handler = handlers_.find(request.code);
  if (handler == handlers_.end()) {
    return server.refuse(request.id,
                         Error(Code::unsupported, "command " + std::to_string(request.code) + ": not known here"));
  }
  handler->second(server, std::move(request));
  return {};
}

}  // namespace hobbes::cmdqueue
