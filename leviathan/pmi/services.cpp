// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/services.hpp"

#include "leviathan/parts.hpp"
#include "leviathan/pmi/records.hpp"
#include "leviathan/serve_on_worker.hpp"

namespace hobbes::leviathan::pmi {
namespace {

Result<Payload> write_down(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<protocol::PmiWrite>(call.payload()));
  auto txn = TRY(node.db().write());
  TRY(write(txn, request));
  TRY(std::move(txn).commit());
  return Payload();
}

}  // namespace

void handle_write(Parts& parts, CallPtr call) { serve_on_worker<write_down>(parts, std::move(call)); }

void handle_end_job(Parts& parts, CallPtr call) {
  const auto request = protocol::decode<protocol::PmiEndJob>(call->payload());
  if (!request) return call->reply(request.error());
  parts.apps.end_broken(request->app, request->why, [call](const Status& ended) { call->reply(ended); });
}

}  // namespace hobbes::leviathan::pmi
