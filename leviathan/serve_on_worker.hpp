// SPDX-License-Identifier: Apache-2.0
// A Service::handler made of a function that blocks: it runs on a worker, and what it returns is the answer.
#pragma once

#include "leviathan/parts.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan {

template <Result<Payload> (*work)(Node&, const Call&)>
void serve_on_worker(Parts& parts, CallPtr call) {
  Node& node = parts.node;
  node.run_on_worker([&node, call = std::move(call)] { call->reply(work(node, *call)); });
}

}  // namespace hobbes::leviathan
