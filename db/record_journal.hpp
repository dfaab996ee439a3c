// SPDX-License-Identifier: Apache-2.0
// Operation and Event: what is being done to the node, and what happened to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/enums.hpp"
#include "db/keys.hpp"
#include "db/table.hpp"

namespace hobbes::db {

/// Some of the node's resources, by key.
struct Resources {
  std::vector<CpuKey> cpus;
  std::vector<PhysAddr> blocks;
  std::vector<PciAddress> devices;

  [[nodiscard]] bool empty() const { return cpus.empty() && blocks.empty() && devices.empty(); }
  friend bool operator==(const Resources&, const Resources&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("cpus", self.cpus);
    visit("blocks", self.blocks);
    visit("devices", self.devices);
  }
};

/// An operation whose second half is still to come: the journal's entry.
struct Operation {
  using Key = OperationId;
  using View = Operation;
  static constexpr Table table = Table::operations;
  static constexpr std::string_view kind = "operation";
  static constexpr std::uint64_t first_id = 1;

  OperationId id;
  OperationKind what = OperationKind::invalid;
  EnclaveId enclave;        ///< the enclave it concerns; it has a record while the operation is pending
  AppId app;                ///< the application it concerns; 0: none
  std::string arguments;    ///< bytes for whoever finishes it after a crash
  std::uint32_t step = 0;   ///< how far the bridge got, in the kind's own counting
  Resources assign;         ///< FREE before it, ALLOCATED to the enclave when it commits
  Resources release;        ///< ALLOCATED to the enclave before it, FREE when it commits
  std::uint64_t instance = 0;  ///< of the leviathan that began it (Meta::instance)
  Timestamp started;

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const Operation&, const Operation&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("what", self.what);
    visit("enclave", self.enclave);
    visit("app", self.app);
    visit("arguments", self.arguments);
    visit("step", self.step);
    visit("assign", self.assign);
    visit("release", self.release);
    visit("instance", self.instance);
    visit("started", self.started);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::owner, enclave);
  }
};

struct Event {
  using Key = Sequence;
  using View = Event;
  static constexpr Table table = Table::events;
  static constexpr std::string_view kind = "event";

  Sequence sequence;        ///< given by append_event()
  EventKind what = EventKind::created;
  ObjectKind object = ObjectKind::node;
  std::uint64_t id = 0;     ///< of the object: an id, a CPU number, a block's base
  std::string text;         ///< one sentence or word for a person
  Timestamp time;           ///< given by append_event() where 0

  [[nodiscard]] Key key() const { return sequence; }
  friend bool operator==(const Event&, const Event&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("sequence", self.sequence);
    visit("what", self.what);
    visit("object", self.object);
    visit("id", self.id);
    visit("text", self.text);
    visit("time", self.time);
  }
  template <typename V>
  void indexes(V&) const {}
};

}  // namespace hobbes::db
