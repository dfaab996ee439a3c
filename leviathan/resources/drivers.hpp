// SPDX-License-Identifier: Apache-2.0
// Who drives PCI devices, in the database.
#pragma once

#include <vector>

#include "db/write_txn.hpp"

namespace hobbes::leviathan::resources {

/// After devices have changed hands: their drivers are recorded; what is FREE, and has one of Linux's, is Linux's.
[[nodiscard]] Status note_drivers(db::WriteTxn& txn, const std::vector<db::PciAddress>& devices);

}  // namespace hobbes::leviathan::resources
