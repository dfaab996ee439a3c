// SPDX-License-Identifier: Apache-2.0
// Listing: how every list command shows rows, as a table for people or as JSON for programs, from one list of columns.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "leviathan/client/client.hpp"
#include "shell/arguments.hpp"
#include "shell/shell.hpp"
#include "shell/text_table.hpp"

namespace hobbes::shell {

using Json = nlohmann::ordered_json;

template <typename Row>
struct Column {
  const char* title;
  const char* key;                        ///< in JSON
  Json (*value)(const Row&);              ///< null: there is none
  std::string (*text)(const Row&) = nullptr;  ///< absent: made from `value`
  const char* none = "-";                 ///< in the table, where there is no value
};

/// A value as the table shows it.
[[nodiscard]] std::string cell_text(const Json& value, const char* none);
/// "256 MiB"; the largest unit that leaves no rest.
[[nodiscard]] std::string size_text(Bytes size);
/// "3 Applications", "1 Application".
[[nodiscard]] std::string counted(std::size_t count, std::string_view one, std::string_view many);
/// The number of a strong id, or null.
template <typename Id>
[[nodiscard]] Json id_or_null(const std::optional<Id>& id) {
  return id ? Json(id->value) : Json();
}
/// A number that the database writes as -1 where there is none.
[[nodiscard]] inline Json number_or_null(std::int64_t number) { return number < 0 ? Json() : Json(number); }

/// Says on stderr when leviathan was not running.
void note_age(Shell& shell, bool live);
/// JSON, indented, and a newline. Text that is not UTF-8 is replaced, never fatal.
void print_json(std::ostream& out, const Json& json);

/// `heading` and the table below it, or one JSON object {"live", extra..., "<key>": [rows]}.
template <typename Row>
void print_listing(Shell& shell, const Arguments& arguments, const client::Listing<Row>& listing,
                   const std::vector<Column<Row>>& columns, const char* key, const std::string& heading,
                   const Json& extra = Json::object()) {
  note_age(shell, listing.live);
  if (arguments.has("json")) {
    Json json = {{"live", listing.live}};
    json.update(extra);
    Json& rows = json[key] = Json::array();
    for (const Row& row : listing.rows) {
      Json object = Json::object();
      for (const auto& column : columns) object[column.key] = column.value(row);
      rows.push_back(std::move(object));
    }
    return print_json(shell.out, json);
  }
  shell.out << heading << '\n';
  if (listing.rows.empty()) return;
  std::vector<std::string> titles;
  for (const auto& column : columns) titles.emplace_back(column.title);
  TextTable table(std::move(titles));
  for (const Row& row : listing.rows) {
    std::vector<std::string> cells;
    for (const auto& column : columns)
      cells.push_back(column.text != nullptr ? column.text(row) : cell_text(column.value(row), column.none));
    table.add_row(std::move(cells));
  }
  table.print(shell.out);
}

}  // namespace hobbes::shell
