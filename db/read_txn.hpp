// SPDX-License-Identifier: Apache-2.0
// ReadTxn: a consistent view of the resource database.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "db/records.hpp"

namespace hobbes::db {

struct TxnState;

/// Sees what was committed before it began, lock-free, whatever writers do meanwhile. Belongs to the thread that
/// began it and must end before its Environment. Move-only. A record that does not decode is Code::corrupt and names
/// table and field.
class ReadTxn {
 public:
  ReadTxn(ReadTxn&& other) noexcept;
  ReadTxn& operator=(ReadTxn&& other) noexcept;
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;
  ~ReadTxn();

  [[nodiscard]] Result<Meta> meta() const;

  /// The record of `key`, or nothing.
  template <typename Record>
  [[nodiscard]] Result<std::optional<Record>> get(const typename Record::Key& key) const;

  /// As get(), but text points into the database: valid until the transaction ends or writes.
  template <typename Record>
  [[nodiscard]] Result<std::optional<typename Record::View>> view(const typename Record::Key& key) const;

  /// The record of that name (enclaves, apps, segments, queues, named devices), or nothing.
  template <typename Record>
  [[nodiscard]] Result<std::optional<Record>> find(std::string_view name) const;
  template <typename Record>
  [[nodiscard]] Result<std::optional<typename Record::View>> find_view(std::string_view name) const;

  [[nodiscard]] Result<std::optional<Enclave>> find_enclave(std::string_view name) const { return find<Enclave>(name); }
  [[nodiscard]] Result<std::optional<App>> find_app(std::string_view name) const { return find<App>(name); }
  [[nodiscard]] Result<std::optional<Segment>> find_segment(std::string_view name) const { return find<Segment>(name); }
  [[nodiscard]] Result<std::optional<Queue>> find_queue(std::string_view name) const { return find<Queue>(name); }

  /// All records of a table, or those with a value of an index; in the order of their keys.
  template <typename Record>
  [[nodiscard]] Result<std::vector<Record>> list() const;
  /// Enclave (by EnclaveState), App (by AppState), Cpu, MemoryBlock, PciDevice (by ResourceState).
  template <typename Record, typename State>
  [[nodiscard]] Result<std::vector<Record>> list_by_state(State state) const {
    return list_by<Record>(Index::state, static_cast<std::uint64_t>(state));
  }
  /// What belongs to an enclave: Cpu, MemoryBlock, PciDevice, App, Segment, Attachment, Queue, Operation, Watcher; and
  /// the enclaves it hosts.
  template <typename Record>
  [[nodiscard]] Result<std::vector<Record>> list_by_owner(EnclaveId enclave) const {
    return list_by<Record>(Index::owner, enclave.value);
  }
  /// What belongs to an application: MemoryBlock, Segment, Attachment, PmiValue, PmiBarrier.
  template <typename Record>
  [[nodiscard]] Result<std::vector<Record>> list_by_app(AppId app) const {
    return list_by<Record>(Index::app, app.value);
  }
  [[nodiscard]] Result<std::vector<Attachment>> attachments_of(SegmentId segment) const {
    return list_by<Attachment>(Index::segment, segment.value);
  }

  /// The id that the next new record of the table gets.
  template <typename Record>
  [[nodiscard]] Result<std::uint64_t> counter() const;

 protected:
  friend class Environment;
  friend TxnState& state_of(const ReadTxn& txn);
  explicit ReadTxn(TxnState* state) : state_(state) {}
  template <typename Record>
  [[nodiscard]] Result<std::vector<Record>> list_by(Index index, std::uint64_t value) const;

  TxnState* state_;  ///< null after a move
};

}  // namespace hobbes::db
