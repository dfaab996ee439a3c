// SPDX-License-Identifier: Apache-2.0
// The handlers of the resources' requests: decode, do, answer.
#include "leviathan/protocol/device_messages.hpp"
#include "leviathan/resources/services.hpp"

#include "leviathan/parts.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/resources/cpus.hpp"
#include "leviathan/resources/devices.hpp"
#include "leviathan/resources/memory.hpp"
#include "leviathan/serve_on_worker.hpp"

namespace hobbes::leviathan::resources {
namespace {

template <typename Message, Result<std::string> (*change)(Node&, const Message&)>
Result<Payload> serve(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<Message>(call.payload()));
  return protocol::encode(protocol::Text{.text = TRY(change(node, request))});
}

template <typename Message, Result<std::string> (*change)(Node&, const Message&)>
void serve_on_worker(Parts& parts, CallPtr call) {
  leviathan::serve_on_worker<serve<Message, change>>(parts, std::move(call));
}

}  // namespace

void handle_assign_memory(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::ChangeMemory, assign_memory>(parts, std::move(call));
}
void handle_remove_memory(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::ChangeMemory, remove_memory>(parts, std::move(call));
}
void handle_assign_cpus(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::ChangeCpus, assign_cpus>(parts, std::move(call));
}
void handle_remove_cpus(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::ChangeCpus, remove_cpus>(parts, std::move(call));
}
void handle_assign_device(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::AssignDevice, assign_device>(parts, std::move(call));
}
void handle_remove_device(Parts& parts, CallPtr call) {
  serve_on_worker<protocol::RemoveDevice, remove_device>(parts, std::move(call));
}

}  // namespace hobbes::leviathan::resources
