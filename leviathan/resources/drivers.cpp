// SPDX-License-Identifier: Apache-2.0
#include "leviathan/resources/drivers.hpp"

#include "leviathan/inventory.hpp"

namespace hobbes::leviathan::resources {
namespace {

/// It keeps devices for enclaves, and does nothing with them.
constexpr std::string_view keeper = "pisces";

}  // namespace

Status note_drivers(db::WriteTxn& txn, const std::vector<db::PciAddress>& devices) {
  for (const db::PciAddress& address : devices) {
    auto device = TRY(txn.get<db::PciDevice>(address));
    if (!device) continue;
    device->driver = driver_of(address);
    if (device->state == db::ResourceState::free && !device->driver.empty() && device->driver != keeper) {
      device->state = db::ResourceState::allocated;
      device->owner = master_enclave;
    }
    TRY(txn.put(*device));
  }
  return {};
}

}  // namespace hobbes::leviathan::resources
