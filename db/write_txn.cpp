// SPDX-License-Identifier: Apache-2.0
// A record and its index entries change together: put() and erase() compare the entries the old record had with those
// the new one should have, and write only the difference. All keys are built before the first write, because a write
// may move the old record's bytes.
#include "db/write_txn.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "db/environment_parts.hpp"
#include "db/index_set.hpp"
#include "db/txn_state.hpp"

namespace hobbes::db {
namespace {

/// What a record adds to the node's totals; unsigned wrap-around makes differences of them right.
struct Share {
  std::uint64_t cpu_slots = 0;
  std::uint64_t memory_blocks = 0;
  std::uint64_t memory = 0;
  std::uint64_t pci_devices = 0;
  friend bool operator==(const Share&, const Share&) = default;
};
template <typename Record>
Share share_of(const Record&) { return {}; }
Share share_of(const Cpu&) { return {.cpu_slots = 1}; }
Share share_of(const MemoryBlock& block) { return {.memory_blocks = 1, .memory = block.size.value}; }
Share share_of(const PciDevice&) { return {.pci_devices = 1}; }

/// A record before or after a change.
struct Version {
  bool present = false;
  IndexSet indexes;
  Share share;
};
template <typename Record>
Version version_of(const Record& record) { return {true, index_set(record), share_of(record)}; }

Status put_meta_record(const TxnState& state, const Meta& meta) {
  return raw_put(state, Table::meta, meta_key, encode(meta));
}

Status update_totals(const WriteTxn& txn, const Share& before, const Share& after) {
  if (before == after) return {};
  Meta meta = TRY(txn.meta());
  meta.cpu_slots += after.cpu_slots - before.cpu_slots;
  meta.memory_blocks += after.memory_blocks - before.memory_blocks;
  meta.memory.value += after.memory - before.memory;
  meta.pci_devices += after.pci_devices - before.pci_devices;
  return put_meta_record(state_of(txn), meta);
}

/// The writes to `names` and `indexes` that lead from one version of a record to the next.
class IndexChange {
 public:
  IndexChange(Table table, std::string_view key, const Version& before, const Version& after) {
    if (before.indexes.name() != after.indexes.name()) {
      if (!before.indexes.name().empty()) old_name_.emplace(name_key(table, before.indexes.name()));
      if (!after.indexes.name().empty()) new_name_.emplace(name_key(table, after.indexes.name()));
    }
    for (const IndexSet::Value& value : before.indexes) {
      if (!after.indexes.has(value)) stale_[stale_count_++] = index_key(table, value, key);
    }
    for (const IndexSet::Value& value : after.indexes) {
      if (!before.indexes.has(value)) fresh_[fresh_count_++] = index_key(table, value, key);
    }
  }

  /// Whether another record has the new name.
  [[nodiscard]] Result<bool> name_is_taken(const TxnState& state) const {
    if (!new_name_) return false;
    return TRY(raw_get(state, Table::names, new_name_->view())).has_value();
  }

  [[nodiscard]] Status apply(const TxnState& state, std::string_view key) const {
    if (old_name_) TRY(raw_erase(state, Table::names, old_name_->view()));
    if (new_name_) TRY(raw_put(state, Table::names, new_name_->view(), key));
    for (std::size_t i = 0; i < stale_count_; ++i) TRY(raw_erase(state, Table::indexes, stale_[i].view()));
    for (std::size_t i = 0; i < fresh_count_; ++i) TRY(raw_put(state, Table::indexes, fresh_[i].view(), {}));
    return {};
  }

 private:
  std::optional<KeyBytes> old_name_;
  std::optional<KeyBytes> new_name_;
  std::array<KeyBytes, 4> stale_;
  std::array<KeyBytes, 4> fresh_;
  std::size_t stale_count_ = 0;
  std::size_t fresh_count_ = 0;
};

Error name_error(Code code, std::string_view kind, std::string_view name, std::string_view problem) {
  return {code, std::string(kind) + " name '" + std::string(name) + "' " + std::string(problem)};
}

template <typename Record>
Status check_name(const Record& record) {
  if constexpr (requires { record.name; }) {
    if (record.name.size() > max_name_size) {
      return name_error(Code::invalid, Record::kind, record.name.substr(0, max_name_size),
                        "... is longer than " + std::to_string(max_name_size) + " bytes");
    }
    if (record.name.find('\0') != std::string::npos) {
      return name_error(Code::invalid, Record::kind, "", "has a zero byte in it");
    }
  }
  if constexpr (std::is_same_v<Record, Enclave> || std::is_same_v<Record, App>) {
    if (record.name.empty()) return name_error(Code::invalid, Record::kind, "", "is empty");
  }
  if constexpr (std::is_same_v<Record, PmiValue>) {
    if (record.space.size() > max_name_size) {
      return name_error(Code::invalid, "PMI space", record.space.substr(0, max_name_size), "... is too long");
    }
  }
  return {};
}

}  // namespace

Status WriteTxn::commit() && {
  TxnState* state = std::exchange(state_, nullptr);
  const int rc = mdb_txn_commit(std::exchange(state->txn, nullptr));
  if (rc == MDB_SUCCESS) state->parts->change.advance();
  end(state);
  if (rc != MDB_SUCCESS) return lmdb_error(rc, "commit a change of the database");
  return {};
}

Status WriteTxn::put_meta(const Meta& given) {
  Meta meta = given;
  if (TRY(raw_get(*state_, Table::meta, meta_key))) {
    const Meta old = TRY(this->meta());
    meta.cpu_slots = old.cpu_slots;
    meta.memory_blocks = old.memory_blocks;
    meta.memory = old.memory;
    meta.pci_devices = old.pci_devices;
  }
  return put_meta_record(*state_, meta);
}

template <typename Record>
Result<typename Record::Key> WriteTxn::next_id() {
  const std::uint64_t id = TRY(counter<Record>());
  TRY(raw_put(*state_, Table::meta, counter_key(Record::table).view(), counter_value(id + 1).view()));
  return typename Record::Key(id);
}

template <typename Record>
Status WriteTxn::put(const Record& record) {
  TRY(check_name(record));
  const KeyBytes key(record.key());
  const std::string bytes = encode(record);
  const auto old_bytes = TRY(raw_get(*state_, Record::table, key.view()));
  if (old_bytes == bytes) return {};

  typename Record::View old;
  Version before;
  if (old_bytes) {
    TRY(decode_into(*old_bytes, Record::kind, old));
    before = version_of(old);
  } else if constexpr (Counted<Record>) {
    if (record.id.value >= TRY(counter<Record>())) {
      return Error(Code::invalid, std::string(Record::kind) + " id " + std::to_string(record.id.value) +
                                      " was never given out");
    }
  }
  const Version after = version_of(record);
  const IndexChange indexes(Record::table, key.view(), before, after);
  if (TRY(indexes.name_is_taken(*state_))) {
    return name_error(Code::exists, Record::kind, after.indexes.name(), "is taken");
  }
  TRY(indexes.apply(*state_, key.view()));
  TRY(raw_put(*state_, Record::table, key.view(), bytes));
  return update_totals(*this, before.share, after.share);
}

template <typename Record>
Result<bool> WriteTxn::erase(const typename Record::Key& record_key) {
  const KeyBytes key(record_key);
  const auto bytes = TRY(raw_get(*state_, Record::table, key.view()));
  if (!bytes) return false;
  typename Record::View old;
  TRY(decode_into(*bytes, Record::kind, old));
  const Version before = version_of(old);
  const Version after;
  const IndexChange indexes(Record::table, key.view(), before, after);
  TRY(indexes.apply(*state_, key.view()));
  TRY(raw_erase(*state_, Record::table, key.view()));
  TRY(update_totals(*this, before.share, after.share));
  return true;
}

#define HOBBES_DB_INSTANTIATE(R)                     \
  template Status WriteTxn::put<R>(const R& record); \
  template Result<bool> WriteTxn::erase<R>(const R::Key& key);
HOBBES_DB_RECORDS(HOBBES_DB_INSTANTIATE)
#undef HOBBES_DB_INSTANTIATE

#define HOBBES_DB_INSTANTIATE(R) template Result<R::Key> WriteTxn::next_id<R>();
HOBBES_DB_COUNTED_RECORDS(HOBBES_DB_INSTANTIATE)
#undef HOBBES_DB_INSTANTIATE

}  // namespace hobbes::db
