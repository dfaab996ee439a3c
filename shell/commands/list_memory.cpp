// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {
namespace {

using Row = client::MemoryRow;

std::string address_text(std::uint64_t address) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(address));
  return text;
}

struct Totals {
  Bytes all, free;
};

Totals totals_of(const std::vector<Row>& rows) {
  Totals totals;
  for (const Row& row : rows) {
    totals.all = totals.all + row.size;
    if (row.state == "FREE") totals.free = totals.free + row.size;
  }
  return totals;
}

}  // namespace

Result<int> list_memory(Shell& shell, const Arguments& arguments) {
  static const std::vector<Column<Row>> columns = {
      {"Blk ID", "block_id", [](const Row& row) { return Json(row.index); }},
      {"Physical Address", "address", [](const Row& row) { return Json(row.base); },
       [](const Row& row) { return address_text(row.base); }},
      {"State", "state", [](const Row& row) { return Json(row.state); }},
      {"Numa", "numa", [](const Row& row) { return number_or_null(row.numa.value); }, nullptr, "-1"},
      {"Enclave ID", "enclave_id", [](const Row& row) { return id_or_null(row.enclave); }, nullptr, "-1"},
      {"App ID", "app_id", [](const Row& row) { return id_or_null(row.app); }, nullptr, "-1"},
      {"Size", "size", [](const Row& row) { return Json(row.size.value); },
       [](const Row& row) { return size_text(row.size); }},
      {"Backing", "backing", [](const Row& row) { return Json(row.backing); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.memory());
  const Totals totals = totals_of(listing.rows);
  const std::string heading = counted(listing.rows.size(), "memory block", "memory blocks") + " [block size=" +
                              size_text(listing.block_size) + "] (" +
                              counted(listing.numa_nodes, "numa domain", "numa domains") + ")\nTotal mem: " +
                              size_text(totals.all) + " ; Free Mem: " + size_text(totals.free);
  print_listing(shell, arguments, listing, columns, "blocks", heading,
                Json{{"numa_domains", listing.numa_nodes},
                     {"block_size", listing.block_size.value},
                     {"total", totals.all.value},
                     {"free", totals.free.value}});
  return exit_done;
}

}  // namespace hobbes::shell
