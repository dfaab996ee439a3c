// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {

Result<int> list_segments(Shell& shell, const Arguments& arguments) {
  using Row = client::SegmentRow;
  static const std::vector<Column<Row>> columns = {
      {"SEGID", "segid", [](const Row& row) { return Json(row.id.value); }},
      {"Segment Name", "name", [](const Row& row) { return Json(row.name); }, nullptr, "unnamed"},
      {"Enclave ID", "enclave_id", [](const Row& row) { return Json(row.enclave.value); }},
      {"App ID", "app_id", [](const Row& row) { return Json(row.app.value); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.segments());
  print_listing(shell, arguments, listing, columns, "segments", counted(listing.rows.size(), "Segment", "Segments"));
  return exit_done;
}

}  // namespace hobbes::shell
