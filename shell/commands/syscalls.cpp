// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <iomanip>
#include <sstream>

#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {
namespace {

using Row = client::SystemCallRow;

struct Order {
  std::string_view name;
  bool (*before)(const Row&, const Row&);
};

constexpr std::array orders = {
    Order{"calls", [](const Row& a, const Row& b) { return a.calls > b.calls; }},
    Order{"errors", [](const Row& a, const Row& b) { return a.errors > b.errors; }},
    Order{"time", [](const Row& a, const Row& b) { return a.mean_time > b.mean_time; }},
    Order{"number", [](const Row& a, const Row& b) { return a.number < b.number; }},
};

const Order* find_order(std::string_view name) {
  const auto found = std::ranges::find(orders, name, &Order::name);
  return found == orders.end() ? nullptr : &*found;
}

constexpr std::uint32_t no_number = UINT32_MAX;  // what no table has a place for

Json number_of(const Row& row) { return row.number == no_number ? Json() : Json(row.number); }
Json name_of(const Row& row) { return row.name.empty() ? Json() : Json(row.name); }
Json time_of(const Row& row) { return row.mean_time ? Json(row.mean_time->count()) : Json(); }

std::string served_by(const Row& row) {
  if (!row.implemented) return "nobody";
  if (row.host == 0) return "co-kernel";
  return row.host == row.calls ? "host" : "host " + std::to_string(row.host);
}

std::string time_text(const Row& row) {
  if (!row.mean_time) return "-";
  constexpr double longest_ns = 10'000;
  std::ostringstream text;
  const auto ns = static_cast<double>(row.mean_time->count());
  if (ns < longest_ns) text << row.mean_time->count() << " ns";
  else text << std::fixed << std::setprecision(1) << ns / 1000 << " us";
  return text.str();
}

Result<client::SystemCallCounts> counts_of(client::Client& client, const std::string& subject) {
  const auto enclaves = TRY(client.enclaves());
  const bool is_enclave = std::ranges::any_of(enclaves.rows, [&](const auto& row) { return row.name == subject; });
  if (is_enclave) return client.system_calls(subject);
  return client.system_calls(TRY(client.find_app(subject)));
}

void print_table(Shell& shell, const client::SystemCallCounts& counts, const std::vector<Row>& rows) {
  TextTable table({"Number", "Call", "Calls", "Errors", "Served by", "Mean time"});
  for (const Row& row : rows) {
    table.add_row({cell_text(number_of(row), "other"), cell_text(name_of(row), "-"), std::to_string(row.calls),
                   std::to_string(row.errors), served_by(row), time_text(row)});
  }
  if (!rows.empty()) table.print(shell.out);
  shell.out << "Calls that trapped : " << counts.trapped << '\n'
            << "Sites rewritten    : " << counts.sites_rewritten << '\n'
            << "Sites left trapping: " << counts.sites_trapped << '\n'
            << "Requests to host   : " << counts.host_calls << '\n'
            << "Unimplemented      :";
  bool any = false;
  for (const Row& row : counts.rows) {
    if (row.implemented) continue;
    shell.out << (any ? ", " : " ") << cell_text(number_of(row), "other") << ' ' << cell_text(name_of(row), "?") << " x "
              << row.calls;
    any = true;
  }
  shell.out << (any ? "\n" : " none\n");
}

Json json_of(const client::SystemCallCounts& counts, const std::vector<Row>& rows) {
  Json json = {{"trapped", counts.trapped},
               {"sites_rewritten", counts.sites_rewritten},
               {"sites_trapped", counts.sites_trapped},
               {"host_requests", counts.host_calls},
               {"linux_calls", counts.linux_calls}};
  Json& calls = json["calls"] = Json::array();
  for (const Row& row : rows) {
    calls.push_back({{"number", number_of(row)},
                     {"name", name_of(row)},
                     {"implemented", row.implemented},
                     {"calls", row.calls},
                     {"errors", row.errors},
                     {"host", row.host},
                     {"mean_ns", time_of(row)}});
  }
  return json;
}

}  // namespace

Status check_syscalls(const Arguments& arguments) {
  if (!arguments.has("sort") || find_order(arguments.text("sort")) != nullptr) return {};
  return Error(Code::invalid, "--sort: by calls, errors, time or number, not by '" + arguments.text("sort") + "'");
}

Result<int> syscalls(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const client::SystemCallCounts counts = TRY(counts_of(client, arguments.text("enclave|application")));
  std::vector<Row> rows = counts.rows;
  const Order* order = find_order(arguments.has("sort") ? arguments.text("sort") : "calls");
  std::ranges::stable_sort(rows, order->before);
  if (const auto most = arguments.number("top"); most && *most < rows.size()) rows.resize(*most);
  if (arguments.has("json")) print_json(shell.out, json_of(counts, rows));
  else print_table(shell, counts, rows);
  return exit_done;
}

}  // namespace hobbes::shell
