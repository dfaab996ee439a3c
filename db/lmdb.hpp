// SPDX-License-Identifier: Apache-2.0
// Inside db/ only: LMDB's errors, values and cursors in this tree's terms.
#pragma once

#include <lmdb.h>

#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace hobbes::db {

/// The only place where an LMDB return code becomes an Error: "<what>: <detail>".
[[nodiscard]] Error lmdb_error(int rc, std::string_view what,
                               std::source_location where = std::source_location::current());

/// LMDB never writes through the pointer of a key or value it is given.
[[nodiscard]] inline MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
[[nodiscard]] inline std::string_view from_val(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace hobbes::db
