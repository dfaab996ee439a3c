// SPDX-License-Identifier: Apache-2.0
// The handlers of the enclaves' requests: decode, do, answer.
#include "leviathan/enclaves/services.hpp"

#include <chrono>

#include "cmdqueue/dump.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/enclaves/create.hpp"
#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/enclaves/owner.hpp"
#include "leviathan/parts.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/refusal.hpp"
#include "leviathan/serve_on_worker.hpp"

namespace hobbes::leviathan::enclaves {
namespace {

constexpr std::chrono::seconds ping_patience{10};

Result<Payload> create(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<protocol::CreateEnclave>(call.payload()));
  const std::string name = TRY(create_enclave(node, {.xml = request.xml,
                                                     .file = request.file,
                                                     .name = request.enclave_name,
                                                     .uid = call.caller().uid,
                                                     .gid = call.caller().gid}));
  return protocol::encode(protocol::EnclaveName{.enclave = name});
}

Result<Payload> destroy(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<protocol::EnclaveName>(call.payload()));
  TRY(destroy_enclave(node, request.enclave));
  return Payload{};
}

Result<Payload> dump(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<protocol::EnclaveName>(call.payload()));
  TRY(check_use(node, call.caller(), request.enclave));  // frames hold what others have sent
  const auto enclave = TRY(node.live(request.enclave));
  bridge::Machine& machine = *enclave->machine;
  return protocol::encode(
      protocol::Text{.text = TRY(cmdqueue::dump({machine.control_queue(), machine.control_queue_size().value}))});
}

}  // namespace

void handle_create(Parts& parts, CallPtr call) { serve_on_worker<create>(parts, std::move(call)); }
void handle_destroy(Parts& parts, CallPtr call) { serve_on_worker<destroy>(parts, std::move(call)); }
void handle_dump_queue(Parts& parts, CallPtr call) { serve_on_worker<dump>(parts, std::move(call)); }

void handle_ping(Parts& parts, CallPtr call) {
  const auto request = protocol::decode<protocol::PingEnclave>(call->payload());
  if (!request) return call->reply(request.error());
  const auto enclave = parts.node.live(request->enclave);
  if (!enclave) return call->reply(enclave.error());
  // The answer is the data alone, so what the enclave sends back is passed on as it is.
  (*enclave)->control.request(HOBBES_CMD_PING, request->data, ping_patience,
                              [call, name = request->enclave](Result<Payload> answer) {
                                if (!answer) return call->reply(refusal_of("enclave '" + name + "'", answer.error()));
                                call->reply(std::move(answer));
                              });
}

}  // namespace hobbes::leviathan::enclaves
