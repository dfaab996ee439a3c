// SPDX-License-Identifier: Apache-2.0
#include "db/read_txn.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "db/index_set.hpp"
#include "db/txn_state.hpp"

namespace hobbes::db {
namespace {

template <typename Record>
Result<std::optional<Record>> decoded(std::string_view bytes, std::string_view kind) {
  Result<std::optional<Record>> result{std::optional<Record>(std::in_place)};
  TRY(decode_into(bytes, kind, **result));
  return result;
}

/// The record of `key` as `As`: the record type itself or its view.
template <typename Record, typename As>
Result<std::optional<As>> get_as(const TxnState& state, std::string_view key) {
  const auto bytes = raw_get(state, Record::table, key);
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<As>();
  return decoded<As>(**bytes, Record::kind);
}

template <typename Record, typename As>
Result<std::optional<As>> find_indexed(const TxnState& state, std::string_view name) {
  const auto key = TRY(raw_get(state, Table::names, name_key(Record::table, name).view()));
  if (!key) return std::optional<As>();
  auto record = TRY((get_as<Record, As>(state, *key)));
  if (!record) return Error(Code::corrupt, std::string(Record::kind) + " '" + std::string(name) + "' is only a name");
  return record;
}

template <typename Record, typename As>
Result<std::optional<As>> find_as(TxnState& state, std::string_view name) {
  if constexpr (Counted<Record>) {
    const std::uint64_t hash = std::hash<std::string_view>{}(name) ^ static_cast<std::uint64_t>(Record::table);
    if (const auto guess = state.memo.guess(hash)) {
      auto record = get_as<Record, As>(state, KeyBytes(typename Record::Key(*guess)).view());
      if (record && *record && (*record)->name == name) return record;
    }
    auto record = TRY((find_indexed<Record, As>(state, name)));
    if (record) state.memo.remember(hash, record->id.value);
    return record;
  } else {
    return find_indexed<Record, As>(state, name);
  }
}

}  // namespace

ReadTxn::ReadTxn(ReadTxn&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

ReadTxn& ReadTxn::operator=(ReadTxn&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

ReadTxn::~ReadTxn() {
  if (state_ != nullptr) end(state_);
}

Result<Meta> ReadTxn::meta() const {
  const auto bytes = TRY(raw_get(*state_, Table::meta, meta_key));
  if (!bytes) return Error(Code::corrupt, "the database has no description of its node");
  return decode<Meta>(*bytes, "node");
}

template <typename Record>
Result<std::optional<Record>> ReadTxn::get(const typename Record::Key& key) const {
  return get_as<Record, Record>(*state_, KeyBytes(key).view());
}

template <typename Record>
Result<std::optional<typename Record::View>> ReadTxn::view(const typename Record::Key& key) const {
  return get_as<Record, typename Record::View>(*state_, KeyBytes(key).view());
}

template <typename Record>
Result<std::optional<Record>> ReadTxn::find(std::string_view name) const {
  return find_as<Record, Record>(*state_, name);
}

template <typename Record>
Result<std::optional<typename Record::View>> ReadTxn::find_view(std::string_view name) const {
  return find_as<Record, typename Record::View>(*state_, name);
}

template <typename Record>
Result<std::vector<Record>> ReadTxn::list() const {
  std::vector<Record> records;
  Cursor cursor = TRY(Cursor::open(*state_, Record::table));
  for (bool more = TRY(cursor.move(MDB_FIRST)); more; more = TRY(cursor.move(MDB_NEXT))) {
    TRY(decode_into(cursor.value(), Record::kind, records.emplace_back()));
  }
  return records;
}

template <typename Record>
Result<std::vector<Record>> ReadTxn::list_by(Index index, std::uint64_t value) const {
  std::vector<Record> records;
  const KeyBytes prefix = index_prefix(Record::table, {index, value});
  Cursor cursor = TRY(Cursor::open(*state_, Table::indexes));
  bool more = TRY(cursor.seek(prefix.view()));
  for (; more && cursor.key().starts_with(prefix.view()); more = TRY(cursor.move(MDB_NEXT))) {
    const auto bytes = TRY(raw_get(*state_, Record::table, cursor.key().substr(prefix.view().size())));
    if (!bytes) return Error(Code::corrupt, std::string(Record::kind) + " record: one is only in an index");
    TRY(decode_into(*bytes, Record::kind, records.emplace_back()));
  }
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) { return a.key() < b.key(); });
  return records;
}

template <typename Record>
Result<std::uint64_t> ReadTxn::counter() const {
  const auto bytes = TRY(raw_get(*state_, Table::meta, counter_key(Record::table).view()));
  if (!bytes) return Record::first_id;
  std::uint64_t next = 0;
  if (bytes->size() != sizeof next) return Error(Code::corrupt, "counter of " + std::string(Record::kind) + " ids");
  std::memcpy(&next, bytes->data(), sizeof next);
  return __builtin_bswap64(next);
}

#define HOBBES_DB_INSTANTIATE(R)                                                            \
  template Result<std::optional<R>> ReadTxn::get<R>(const R::Key&) const;                   \
  template Result<std::vector<R>> ReadTxn::list<R>() const;                                 \
  template Result<std::vector<R>> ReadTxn::list_by<R>(Index, std::uint64_t) const;
HOBBES_DB_RECORDS(HOBBES_DB_INSTANTIATE)
#undef HOBBES_DB_INSTANTIATE

#define HOBBES_DB_INSTANTIATE(R)                                                            \
  template Result<std::optional<R::View>> ReadTxn::view<R>(const R::Key&) const;            \
  template Result<std::optional<R>> ReadTxn::find<R>(std::string_view) const;               \
  template Result<std::optional<R::View>> ReadTxn::find_view<R>(std::string_view) const;
HOBBES_DB_INSTANTIATE(Enclave)
HOBBES_DB_INSTANTIATE(App)
HOBBES_DB_INSTANTIATE(Segment)
HOBBES_DB_INSTANTIATE(Queue)
#undef HOBBES_DB_INSTANTIATE
template Result<std::optional<PciDevice>> ReadTxn::find<PciDevice>(std::string_view) const;

#define HOBBES_DB_INSTANTIATE(R) template Result<std::uint64_t> ReadTxn::counter<R>() const;
HOBBES_DB_COUNTED_RECORDS(HOBBES_DB_INSTANTIATE)
#undef HOBBES_DB_INSTANTIATE

}  // namespace hobbes::db
