// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {

Result<int> list_cpus(Shell& shell, const Arguments& arguments) {
  using Row = client::CpuRow;
  static const std::vector<Column<Row>> columns = {
      {"CPU ID", "cpu_id", [](const Row& row) { return Json(row.id.value); }},
      {"APIC ID", "apic_id", [](const Row& row) { return Json(row.apic_id); }},
      {"State", "state", [](const Row& row) { return Json(row.state); }},
      {"Numa", "numa", [](const Row& row) { return number_or_null(row.numa.value); }, nullptr, "-1"},
      {"Enclave ID", "enclave_id", [](const Row& row) { return id_or_null(row.enclave); }, nullptr, "-1"},
      {"Logical ID", "logical_id", [](const Row& row) { return number_or_null(row.logical_id); }, nullptr, "-1"},
      {"Package", "package", [](const Row& row) { return number_or_null(row.package); }},
      {"Core", "core", [](const Row& row) { return number_or_null(row.core); }},
      {"Share", "share", [](const Row& row) { return Json(row.slot); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.cpus());
  print_listing(shell, arguments, listing, columns, "cpus",
                counted(listing.rows.size(), "CPU", "CPUs") + " (" +
                    counted(listing.numa_nodes, "numa domain", "numa domains") + ")",
                Json{{"numa_domains", listing.numa_nodes}});
  return exit_done;
}

}  // namespace hobbes::shell
