// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

#include <string>

namespace hobbes::shell {
namespace {

/// "rw-r--r-- 1000:1000", as ls has them.
std::string permissions(const client::SegmentRow& row) {
  std::string text = "---------";
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((row.mode >> (text.size() - 1 - i) & 1) != 0) text[i] = "rwx"[i % 3];
  return text + ' ' + std::to_string(row.uid) + ':' + std::to_string(row.gid);
}

std::string kind(const client::SegmentRow& row) {
  if (row.removed) return "removed";
  return row.signalled ? "signalled" : "";
}

}  // namespace

Result<int> list_segments(Shell& shell, const Arguments& arguments) {
  using Row = client::SegmentRow;
  static const std::vector<Column<Row>> columns = {
      {"SEGID", "segid", [](const Row& row) { return Json(row.id.value); }},
      {"Segment Name", "name", [](const Row& row) { return Json(row.name); }, nullptr, "unnamed"},
      {"Enclave ID", "enclave_id", [](const Row& row) { return Json(row.enclave.value); }},
      {"App ID", "app_id", [](const Row& row) { return Json(row.app.value); }},
      {"Size", "size", [](const Row& row) { return Json(row.size.value); }},
      {"Permissions", "permissions", [](const Row& row) { return Json(permissions(row)); }},
      {"Attachments", "attachments", [](const Row& row) { return Json(row.attachments); }},
      {"Kind", "kind", [](const Row& row) { return Json(kind(row)); }},
  };
  client::Client& client = *TRY(shell.connect());
  const auto listing = TRY(client.segments());
  print_listing(shell, arguments, listing, columns, "segments", counted(listing.rows.size(), "Segment", "Segments"));
  return exit_done;
}

}  // namespace hobbes::shell
