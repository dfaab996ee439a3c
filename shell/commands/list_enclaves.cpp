// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {

Result<int> list_enclaves(Shell& shell, const Arguments& arguments) {
  using Row = client::EnclaveRow;
  static const std::vector<Column<Row>> columns = {
      {"ID", "id", [](const Row& row) { return Json(row.id.value); }},
      {"Enclave name", "name", [](const Row& row) { return Json(row.name); }},
      {"Type", "type", [](const Row& row) { return Json(row.type); }},
      {"State", "state", [](const Row& row) { return Json(row.state); }},
      {"Bridge", "bridge", [](const Row& row) { return Json(row.bridge); }},
      {"Parent", "parent", [](const Row& row) { return id_or_null(row.parent); }},
      {"CPUs", "cpus", [](const Row& row) { return Json(row.cpus); }},
      {"Memory", "memory", [](const Row& row) { return Json(row.memory.value); },
       [](const Row& row) { return size_text(row.memory); }},
      {"Reason", "reason", [](const Row& row) { return Json(row.reason); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.enclaves());
  print_listing(shell, arguments, listing, columns, "enclaves",
                counted(listing.rows.size(), "Active Enclave", "Active Enclaves") + ":");
  return exit_done;
}

}  // namespace hobbes::shell
