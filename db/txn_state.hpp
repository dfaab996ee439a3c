// SPDX-License-Identifier: Apache-2.0
// Inside db/ only: what a transaction is made of, and raw access to tables by bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "db/lmdb.hpp"
#include "db/read_txn.hpp"
#include "db/table.hpp"

namespace hobbes::db {

/// Guesses, by hash of table and name, which id a name had last time. A guess is always verified against the name in
/// the record, which costs nothing extra, so a stale one merely misses; a right one saves the look-up in `names`.
/// A hash has two places; what was guessed right or learnt last is in the first.
class NameMemo {
 public:
  [[nodiscard]] std::optional<std::uint64_t> guess(std::uint64_t hash) {
    Places& places = places_of(hash);
    if (places.first.hash != hash) {
      if (places.second.hash != hash) return std::nullopt;
      std::swap(places.first, places.second);
    }
    return places.first.id;
  }
  void remember(std::uint64_t hash, std::uint64_t id) {
    Places& places = places_of(hash);
    if (places.first.hash != hash) places.second = places.first;
    places.first = {hash, id};
  }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t id = 0;
  };
  struct Places {
    Entry first;
    Entry second;
  };
  [[nodiscard]] Places& places_of(std::uint64_t hash) { return places_[hash % places_.size()]; }

  std::array<Places, 512> places_{};
};

struct EnvironmentParts;

/// One LMDB transaction. Read transactions are reset and renewed instead of freed, and keep their memo.
struct TxnState {
  EnvironmentParts* parts = nullptr;
  MDB_txn* txn = nullptr;
  const MDB_dbi* tables = nullptr;
  bool writing = false;
  NameMemo memo;

  [[nodiscard]] MDB_dbi dbi(Table table) const { return tables[static_cast<std::size_t>(table)]; }
};

[[nodiscard]] inline TxnState& state_of(const ReadTxn& txn) { return *txn.state_; }
/// Ends a read transaction or aborts a write transaction.
void end(TxnState* state);

/// "read table enclaves"
[[nodiscard]] std::string doing(std::string_view verb, Table table);

/// The value of a key, or nothing; valid until the transaction ends or writes.
[[nodiscard]] inline Result<std::optional<std::string_view>> raw_get(const TxnState& state, Table table,
                                                                     std::string_view key) {
  MDB_val k = to_val(key);
  MDB_val v{};
  const int rc = mdb_get(state.txn, state.dbi(table), &k, &v);
  if (rc == MDB_SUCCESS) [[likely]] return std::optional(from_val(v));
  if (rc == MDB_NOTFOUND) return std::optional<std::string_view>();
  return lmdb_error(rc, doing("read", table));
}
[[nodiscard]] Status raw_put(const TxnState& state, Table table, std::string_view key, std::string_view value,
                             unsigned flags = 0);
/// False if there was no such key.
[[nodiscard]] Result<bool> raw_erase(const TxnState& state, Table table, std::string_view key);

/// Walks a table in the order of its keys.
class Cursor {
 public:
  [[nodiscard]] static Result<Cursor> open(const TxnState& state, Table table);

  /// One step; false where there is nothing there. `key` and `value` are then as they were.
  [[nodiscard]] Result<bool> move(MDB_cursor_op op);
  /// To the first key that is not less than `key`.
  [[nodiscard]] Result<bool> seek(std::string_view key);

  /// Erases what the cursor is at.
  [[nodiscard]] Status erase();

  [[nodiscard]] std::string_view key() const { return from_val(key_); }
  [[nodiscard]] std::string_view value() const { return from_val(value_); }

 private:
  struct Close {
    void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
  };
  Cursor(MDB_cursor* cursor, Table table) : cursor_(cursor), table_(table) {}

  std::unique_ptr<MDB_cursor, Close> cursor_;
  Table table_;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace hobbes::db
