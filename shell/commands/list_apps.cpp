// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {
namespace {

struct Row : client::AppRow {
  std::optional<client::SystemCallCounts> counts;  ///< asked for, and there
};

const std::vector<Column<Row>> usual_columns = {
    {"HPID", "hpid", [](const Row& row) { return Json(row.id.value); }},
    {"HIOPID", "hiopid", [](const Row& row) { return number_or_null(row.hio_id); }, nullptr, "-1"},
    {"Enclave", "enclave", [](const Row& row) { return Json(row.enclave_name); }},
    {"Application", "application", [](const Row& row) { return Json(row.name); }},
    {"State", "state", [](const Row& row) { return Json(row.state); }},
    {"Exit", "exit_code", [](const Row& row) { return row.exit_code ? Json(*row.exit_code) : Json(); }},
    {"Signal", "signal", [](const Row& row) { return row.signal ? Json(*row.signal) : Json(); },
     [](const Row& row) { return row.signal ? signal_name(*row.signal) : std::string("-"); }},
};

template <std::uint64_t client::SystemCallCounts::*count>
Json counted_of(const Row& row) {
  return row.counts ? Json((*row.counts).*count) : Json();
}

/// What Linux counts is of processes that are alive.
template <std::uint64_t client::SystemCallCounts::*count>
Json used_by(const Row& row) {
  return row.counts && row.counts->processes > 0 ? Json((*row.counts).*count) : Json();
}

Json calls_of(const Row& row) {
  if (!row.counts) return {};
  std::uint64_t sum = 0;
  for (const auto& call : row.counts->rows) sum += call.calls;
  return sum;
}

std::vector<Column<Row>> verbose_columns() {
  using Counts = client::SystemCallCounts;
  auto columns = usual_columns;
  columns.insert(columns.end(), {
      {"Processes", "processes", used_by<&Counts::processes>},
      {"Calls", "system_calls", calls_of},
      {"Trapped", "trapped", counted_of<&Counts::trapped>},
      {"Linux calls", "linux_calls", counted_of<&Counts::linux_calls>},
      {"Minor faults", "minor_faults", used_by<&Counts::minor_faults>},
      {"Major faults", "major_faults", used_by<&Counts::major_faults>},
      {"Switches", "voluntary_switches", used_by<&Counts::voluntary_switches>},
      {"Involuntary", "involuntary_switches", used_by<&Counts::involuntary_switches>},
  });
  return columns;
}

/// Nobody counts on the Linux side, nor where the enclave has gone.
std::optional<client::SystemCallCounts> counts_of(client::Client& client, const Row& row) {
  auto counts = client.system_calls(row.id);
  if (!counts) return std::nullopt;
  return *std::move(counts);
}

}  // namespace

Result<int> list_apps(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const auto apps = TRY(client.apps());
  client::Listing<Row> listing{
      .rows = {}, .live = apps.live, .numa_nodes = apps.numa_nodes, .block_size = apps.block_size};
  for (const client::AppRow& app : apps.rows) listing.rows.push_back({app, std::nullopt});
  const bool verbose = arguments.has("verbose");
  if (verbose && listing.live)
    for (Row& row : listing.rows) row.counts = counts_of(client, row);
  print_listing(shell, arguments, listing, verbose ? verbose_columns() : usual_columns, "applications",
                counted(listing.rows.size(), "Application", "Applications"));
  return exit_done;
}

}  // namespace hobbes::shell
