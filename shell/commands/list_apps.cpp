// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {
Result<int> list_apps(Shell& shell, const Arguments& arguments) {
  using Row = client::AppRow;
  static const std::vector<Column<Row>> columns = {
      {"HPID", "hpid", [](const Row& row) { return Json(row.id.value); }},
      {"HIOPID", "hiopid", [](const Row& row) { return number_or_null(row.hio_id); }, nullptr, "-1"},
      {"Enclave", "enclave", [](const Row& row) { return Json(row.enclave_name); }},
      {"Application", "application", [](const Row& row) { return Json(row.name); }},
      {"State", "state", [](const Row& row) { return Json(row.state); }},
      {"Exit", "exit_code", [](const Row& row) { return row.exit_code ? Json(*row.exit_code) : Json(); }},
      {"Signal", "signal", [](const Row& row) { return row.signal ? Json(*row.signal) : Json(); },
       [](const Row& row) { return row.signal ? signal_name(*row.signal) : std::string("-"); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.apps());
  print_listing(shell, arguments, listing, columns, "applications",
                counted(listing.rows.size(), "Application", "Applications"));
  return exit_done;
}

}  // namespace hobbes::shell
