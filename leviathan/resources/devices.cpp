// SPDX-License-Identifier: Apache-2.0
// PCI devices between Linux and enclaves.
#include "leviathan/resources/devices.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/fault_point.hpp"
#include "leviathan/refusal.hpp"

namespace hobbes::leviathan::resources {
namespace {

Result<std::vector<db::PciDevice>> devices_of(Node& node, const db::Resources& resources) {
  const auto txn = TRY(node.db().read());
  std::vector<db::PciDevice> devices;
  for (const db::PciAddress& address : resources.devices) {
    auto device = TRY(txn.get<db::PciDevice>(address));
    if (!device) return Error(Code::corrupt, describe(address) + ": is in the journal only");
    devices.push_back(*std::move(device));
  }
  return devices;
}

bridge::PciDevice for_bridge(const db::PciAddress& address) {
  return {to_string(address), address.domain, address.bus, address.device, address.function};
}

template <typename Command>
Status tell(LiveEnclave& enclave, std::uint32_t code, const db::PciDevice& device, Command command) {
  std::ranges::copy(device.name, command.name);  // check_name(): it fits, with a NUL behind
  const auto answer = enclave.control.call(code, cmdqueue::payload_of_struct(command), kernel_patience);
  return answer ? Status() : Status(refusal_of(describe(device.address), answer.error()));
}

class DevicePlug final : public Plug {
 public:
  db::OperationKind assign_kind() const override { return db::OperationKind::assign_device; }
  db::OperationKind remove_kind() const override { return db::OperationKind::remove_device; }
  std::string_view assign_reserved() const override { return fault::assign_device_reserved; }
  std::string_view assign_plugged() const override { return fault::assign_device_plugged; }
  std::string_view remove_reserved() const override { return fault::remove_device_reserved; }
  std::string_view remove_unplugged() const override { return fault::remove_device_unplugged; }

  Status plug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    for (const db::PciDevice& device : TRY(devices_of(node, resources))) {
      const auto command = TRY(enclave->machine->add_device(for_bridge(device.address)));
      TRY(tell(*enclave, HOBBES_CMD_ADD_PCI, device, command));
    }
    return {};
  }

  Status unplug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    for (const db::PciDevice& device : TRY(devices_of(node, resources))) {
      const Status told = tell(*enclave, HOBBES_CMD_REMOVE_PCI, device, hobbes_pci_ref{});
      if (!told && told.error().code() != Code::not_found) return told;
      TRY(enclave->machine->remove_device(for_bridge(device.address)));
    }
    return {};
  }
};

Status check_name(std::string_view name) {
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  if (name.empty() || name.size() >= HOBBES_PCI_NAME_SIZE || !std::ranges::all_of(name, is_plain))
    return Error(Code::invalid, "device name '" + std::string(name) + "': letters, digits, '.', '_' and '-', at most " +
                                    std::to_string(HOBBES_PCI_NAME_SIZE - 1));
  return {};
}

Result<Target> native_target(Node& node, std::string_view enclave) {
  auto found = TRY(target(node, enclave));
  if (!found.live)
    return Error(Code::invalid, "enclave '" + found.name + "': is the Linux side, which has the devices that no other has");
  return found;
}

Result<db::PciDevice> device_named(Node& node, const Target& owner, std::string_view name) {
  const auto txn = TRY(node.db().read());
  const auto device = TRY(txn.find<db::PciDevice>(name));
  if (!device || device->owner != owner.id)
    return Error(Code::not_found, "enclave '" + owner.name + "': has no device '" + std::string(name) + "'");
  return *device;
}

}  // namespace

const Plug& device_plug() {
  static const DevicePlug plug;
  return plug;
}

Result<std::string> assign_device(Node& node, const protocol::AssignDevice& request) {
  const auto address = TRY(db::parse_pci_address(request.address));
  TRY(check_name(request.device));
  const auto to = TRY(native_target(node, request.enclave));
  TRY(assign(node, to, device_plug(), [&](Chooser& chooser) { return chooser.device(address, request.device); }));
  return "Assigned " + describe(address) + " to enclave " + to.name + " as " + request.device;
}

Result<std::string> remove_device(Node& node, const protocol::RemoveDevice& request) {
  const auto from = TRY(native_target(node, request.enclave));
  const auto device = TRY(device_named(node, from, request.device));
  TRY(remove(node, from, device_plug(), {{{}, {}, {device.address}}}, 1));
  return "Removed " + describe(device.address) + " from enclave " + from.name;
}

}  // namespace hobbes::leviathan::resources
