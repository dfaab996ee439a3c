// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {

Result<int> list_pci(Shell& shell, const Arguments& arguments) {
  using Row = client::PciRow;
  static const std::vector<Column<Row>> columns = {
      {"BDF", "bdf", [](const Row& row) { return Json(row.address); }},
      {"Device", "device", [](const Row& row) { return Json(row.device); }},
      {"State", "state", [](const Row& row) { return Json(row.state); }},
      {"Enclave ID", "enclave_id", [](const Row& row) { return id_or_null(row.enclave); }, nullptr, "-1"},
      {"Name", "name", [](const Row& row) { return Json(row.name); }},
      {"Driver", "driver", [](const Row& row) { return Json(row.driver); }},
      {"IOMMU Group", "iommu_group", [](const Row& row) { return number_or_null(row.iommu_group); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.pci_devices());
  print_listing(shell, arguments, listing, columns, "devices",
                counted(listing.rows.size(), "PCI device", "PCI devices"));
  return exit_done;
}

}  // namespace hobbes::shell
