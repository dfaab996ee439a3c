// SPDX-License-Identifier: Apache-2.0
// Segment, Attachment, Queue and Watcher: what enclaves share with each other.
#pragma once

#include <string>
#include <string_view>

#include "db/enums.hpp"
#include "db/keys.hpp"
#include "db/table.hpp"

namespace hobbes::db {

/// Memory that a process of some enclave exported.
template <typename Text>
struct BasicSegment {
  using Key = SegmentId;
  using View = BasicSegment<std::string_view>;
  static constexpr Table table = Table::segments;
  static constexpr std::string_view kind = "segment";
  static constexpr std::uint64_t first_id = 32;  ///< 1-31 are well known

  SegmentId id;
  Text name;                ///< unique, or empty
  EnclaveId enclave;
  AppId app;
  std::int64_t pid = 0;
  std::uint64_t address = 0;  ///< in the exporter's address space
  Bytes size;
  std::uint32_t mode = 0;   ///< permission bits, as a file's
  std::uint32_t owner_uid = 0;
  std::uint32_t owner_gid = 0;
  Text backing;             ///< where its pages are; opaque here
  Timestamp created;
  bool signalled = false;   ///< its exporter can be signalled
  bool removed = false;     ///< nobody gets it any more; the record stays until the last attachment has gone

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const BasicSegment&, const BasicSegment&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("name", self.name);
    visit("enclave", self.enclave);
    visit("app", self.app);
    visit("pid", self.pid);
    visit("address", self.address);
    visit("size", self.size);
    visit("mode", self.mode);
    visit("owner_uid", self.owner_uid);
    visit("owner_gid", self.owner_gid);
    visit("backing", self.backing);
    visit("created", self.created);
    visit("signalled", self.signalled);
    visit("removed", self.removed);
  }
  template <typename V>
  void indexes(V& index) const {
    index.name(name);
    index.by(Index::owner, enclave);
    index.by(Index::app, app);
  }
};
using Segment = BasicSegment<std::string>;
using SegmentView = BasicSegment<std::string_view>;

/// A segment as somebody has it mapped.
struct Attachment {
  using Key = AttachmentId;
  using View = Attachment;
  static constexpr Table table = Table::attachments;
  static constexpr std::string_view kind = "attachment";
  static constexpr std::uint64_t first_id = 1;

  AttachmentId id;
  SegmentId segment;
  EnclaveId enclave;        ///< of the attaching process
  AppId app;
  std::int64_t pid = 0;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  Bytes size;
  bool writable = false;
  Timestamp created;

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const Attachment&, const Attachment&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("segment", self.segment);
    visit("enclave", self.enclave);
    visit("app", self.app);
    visit("pid", self.pid);
    visit("address", self.address);
    visit("offset", self.offset);
    visit("size", self.size);
    visit("writable", self.writable);
    visit("created", self.created);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::owner, enclave);
    index.by(Index::app, app);
    index.by(Index::segment, segment);
  }
};

/// A command queue, so that a client finds it by name.
template <typename Text>
struct BasicQueue {
  using Key = QueueId;
  using View = BasicQueue<std::string_view>;
  static constexpr Table table = Table::queues;
  static constexpr std::string_view kind = "queue";
  static constexpr std::uint64_t first_id = 1;

  QueueId id;
  Text name;                ///< unique, or empty
  EnclaveId enclave;
  std::int64_t owner_pid = 0;  ///< of the serving process; 0: the enclave's kernel
  std::uint32_t owner_uid = 0;
  Text where;               ///< how to reach its memory; opaque here
  Bytes size;
  Timestamp created;

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const BasicQueue&, const BasicQueue&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("name", self.name);
    visit("enclave", self.enclave);
    visit("owner_pid", self.owner_pid);
    visit("owner_uid", self.owner_uid);
    visit("where", self.where);
    visit("size", self.size);
    visit("created", self.created);
  }
  template <typename V>
  void indexes(V& index) const {
    index.name(name);
    index.by(Index::owner, enclave);
  }
};
using Queue = BasicQueue<std::string>;
using QueueView = BasicQueue<std::string_view>;

/// Somebody who is to be signalled when something happens.
struct Watcher {
  using Key = WatcherId;
  using View = Watcher;
  static constexpr Table table = Table::watchers;
  static constexpr std::string_view kind = "watcher";
  static constexpr std::uint64_t first_id = 1;

  WatcherId id;
  std::uint32_t events = 0;  ///< the reference's event bits
  EnclaveId enclave;
  AppId app;
  std::int64_t pid = 0;
  SegmentId segment;         ///< the one to signal; 0: none

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const Watcher&, const Watcher&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("events", self.events);
    visit("enclave", self.enclave);
    visit("app", self.app);
    visit("pid", self.pid);
    visit("segment", self.segment);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::owner, enclave);
  }
};

}  // namespace hobbes::db
