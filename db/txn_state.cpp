// SPDX-License-Identifier: Apache-2.0
#include "db/txn_state.hpp"

#include <string>

namespace hobbes::db {

std::string doing(std::string_view verb, Table table) {
  return std::string(verb).append(" table ").append(table_names[static_cast<std::size_t>(table)]);
}

Status raw_put(const TxnState& state, Table table, std::string_view key, std::string_view value, unsigned flags) {
  MDB_val k = to_val(key);
  MDB_val v = to_val(value);
  if (const int rc = mdb_put(state.txn, state.dbi(table), &k, &v, flags); rc != MDB_SUCCESS) {
    return lmdb_error(rc, doing("write", table));
  }
  return {};
}

Result<bool> raw_erase(const TxnState& state, Table table, std::string_view key) {
  MDB_val k = to_val(key);
  const int rc = mdb_del(state.txn, state.dbi(table), &k, nullptr);
  if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) return lmdb_error(rc, doing("erase from", table));
  return rc == MDB_SUCCESS;
}

Result<Cursor> Cursor::open(const TxnState& state, Table table) {
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(state.txn, state.dbi(table), &cursor); rc != MDB_SUCCESS) {
    return lmdb_error(rc, doing("walk", table));
  }
  return Cursor(cursor, table);
}

Result<bool> Cursor::move(MDB_cursor_op op) {
  MDB_val key = key_;
  MDB_val value{};
  const int rc = mdb_cursor_get(cursor_.get(), &key, &value, op);
  if (rc == MDB_NOTFOUND) return false;
  if (rc != MDB_SUCCESS) return lmdb_error(rc, doing("walk", table_));
  key_ = key;
  value_ = value;
  return true;
}

Result<bool> Cursor::seek(std::string_view key) {
  key_ = to_val(key);
  return move(MDB_SET_RANGE);
}

Status Cursor::erase() {
  if (const int rc = mdb_cursor_del(cursor_.get(), 0); rc != MDB_SUCCESS) {
    return lmdb_error(rc, doing("erase from", table_));
  }
  return {};
}

}  // namespace hobbes::db
