// SPDX-License-Identifier: Apache-2.0
// Tables and secondary indexes by number. Numbers are stored in index keys: never reuse one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hobbes::db {

enum class Table : std::uint8_t {
  meta = 0,      ///< "node": the Meta record; one counter of ids per table
  enclaves = 1,
  apps = 2,
  cpus = 3,
  memory = 4,
  devices = 5,
  segments = 6,
  attachments = 7,
  queues = 8,
  operations = 9,
  events = 10,
  pmi_values = 11,
  pmi_barriers = 12,
  watchers = 13,
  names = 14,    ///< table, name -> key of the record
  indexes = 15,  ///< table, index, value, key of the record -> nothing
};

/// LMDB's names of them, in the order of the numbers.
inline constexpr std::array<std::string_view, 16> table_names{
    "meta",   "enclaves",   "apps",   "cpus",       "memory",       "devices",  "segments", "attachments",
    "queues", "operations", "events", "pmi_values", "pmi_barriers", "watchers", "names",    "indexes"};
inline constexpr std::size_t table_count = table_names.size();

/// The indexes that many records may share a value of.
enum class Index : std::uint8_t {
  state = 1,
  owner = 2,    ///< the enclave it belongs to; an enclave's own is its parent
  app = 3,
  segment = 4,  ///< of attachments
};

}  // namespace hobbes::db
