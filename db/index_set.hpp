// SPDX-License-Identifier: Apache-2.0
// Inside db/ only: the index entries that a record should have.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "db/codec.hpp"
#include "db/table.hpp"

namespace hobbes::db {

inline constexpr std::string_view meta_key = "node";

/// Visitor of Record::indexes(): collects name and values. The name points into the record.
class IndexSet {
 public:
  struct Value {
    Index index{};
    std::uint64_t value = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };

  void name(std::string_view name) { name_ = name; }
  template <typename T>
  void by(Index index, T value) {
    if constexpr (std::is_enum_v<T>) {
      values_[size_++] = {index, static_cast<std::uint64_t>(value)};
    } else {
      values_[size_++] = {index, value.value};
    }
  }

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] const Value* begin() const { return values_.data(); }
  [[nodiscard]] const Value* end() const { return values_.data() + size_; }
  [[nodiscard]] bool has(const Value& value) const {
    for (const Value& mine : *this) {
      if (mine == value) return true;
    }
    return false;
  }

 private:
  std::string_view name_;
  std::array<Value, 4> values_{};
  std::size_t size_ = 0;
};

template <typename Record>
[[nodiscard]] IndexSet index_set(const Record& record) {
  IndexSet set;
  record.indexes(set);
  return set;
}

/// The key of a name in `names`: table, name. Its value is the record's key.
[[nodiscard]] inline KeyBytes name_key(Table table, std::string_view name) {
  KeyBytes key(table);
  key.append(name);
  return key;
}
/// What the keys in `indexes` of all records with this value begin with: table, index, value.
[[nodiscard]] inline KeyBytes index_prefix(Table table, const IndexSet::Value& value) {
  KeyBytes key(table);
  key.add(value.index);
  key.add(value.value);
  return key;
}
/// The key of one record in `indexes`; it has no value.
[[nodiscard]] inline KeyBytes index_key(Table table, const IndexSet::Value& value, std::string_view record_key) {
  KeyBytes key = index_prefix(table, value);
  key.append(record_key);
  return key;
}
/// The key of a table's counter in `meta`; its value is a big-endian u64, the next id.
[[nodiscard]] inline KeyBytes counter_key(Table table) {
  KeyBytes key;
  key.append("next");
  key.add(table);
  return key;
}

[[nodiscard]] inline KeyBytes counter_value(std::uint64_t next) {
  KeyBytes value;
  value.add(next);
  return value;
}

/// A record type whose ids are counted.
template <typename Record>
concept Counted = requires { Record::first_id; };

}  // namespace hobbes::db
