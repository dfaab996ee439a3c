// SPDX-License-Identifier: Apache-2.0
// WriteTxn: one atomic change of the resource database.
#pragma once

#include "db/read_txn.hpp"

namespace hobbes::db {

/// Sees its own changes. Aborts when it is destroyed without commit(); after an error other than a refusal
/// (Code::exists, Code::invalid) it can only be destroyed. One at a time in the node; never held across a bridge's
/// work or an asynchronous wait.
class WriteTxn : public ReadTxn {
 public:
  WriteTxn(WriteTxn&&) noexcept = default;
  WriteTxn& operator=(WriteTxn&&) noexcept = default;

  /// Makes the changes visible to all at once and advances the change word. Code::exhausted if the map is full;
  /// then nothing has changed.
  [[nodiscard]] Status commit() &&;

  /// Writes Meta. Resource totals in it are kept by put() and erase(); change the rest only.
  [[nodiscard]] Status put_meta(const Meta& meta);

  /// An id that no record of the table had while the node was up.
  template <typename Record>
  [[nodiscard]] Result<typename Record::Key> next_id();

  /// Inserts or replaces the record of record.key(), its index entries and, for resources, the node's totals.
  /// Code::exists "enclave name 'x' is taken"; Code::invalid for an empty or too long name and for an id that
  /// next_id() never gave.
  template <typename Record>
  [[nodiscard]] Status put(const Record& record);

  /// Removes the record and its index entries; false if there was none.
  template <typename Record>
  [[nodiscard]] Result<bool> erase(const typename Record::Key& key);

 private:
  friend class Environment;
  using ReadTxn::ReadTxn;
};

}  // namespace hobbes::db
