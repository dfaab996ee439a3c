// SPDX-License-Identifier: Apache-2.0
// Enclave and App: who runs on the node.
#pragma once

#include <string>
#include <string_view>

#include "db/enums.hpp"
#include "db/keys.hpp"
#include "db/table.hpp"

namespace hobbes::db {

/// `Text` is std::string in a record of one's own, std::string_view in a view of the database's bytes.
template <typename Text>
struct BasicEnclave {
  using Key = EnclaveId;
  using View = BasicEnclave<std::string_view>;
  static constexpr Table table = Table::enclaves;
  static constexpr std::string_view kind = "enclave";
  static constexpr std::uint64_t first_id = 1;

  EnclaveId id;
  Text name;                ///< unique, not empty
  EnclaveType type = EnclaveType::invalid;
  EnclaveState state = EnclaveState::initialized;
  EnclaveId parent;         ///< the enclave that hosts it; of the master: itself
  Text bridge;              ///< "linux", "hosted", "pisces", "kvm"
  Text bridge_state;        ///< what that bridge needs to adopt it again; opaque here
  std::uint32_t owner_uid = 0;
  std::uint32_t owner_gid = 0;
  Text reason;              ///< why it is Crashed or Error
  Timestamp created;
  Timestamp changed;        ///< when its state changed last
  Text descriptor;          ///< the XML it was created from

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const BasicEnclave&, const BasicEnclave&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("name", self.name);
    visit("type", self.type);
    visit("state", self.state);
    visit("parent", self.parent);
    visit("bridge", self.bridge);
    visit("bridge_state", self.bridge_state);
    visit("owner_uid", self.owner_uid);
    visit("owner_gid", self.owner_gid);
    visit("reason", self.reason);
    visit("created", self.created);
    visit("changed", self.changed);
    visit("descriptor", self.descriptor);
  }
  template <typename V>
  void indexes(V& index) const {
    index.name(name);
    index.by(Index::state, state);
    index.by(Index::owner, parent);
  }
};
using Enclave = BasicEnclave<std::string>;
using EnclaveView = BasicEnclave<std::string_view>;

inline constexpr std::int64_t no_app = -1;  ///< the reference's "none" for an app id in listings

template <typename Text>
struct BasicApp {
  using Key = AppId;
  using View = BasicApp<std::string_view>;
  static constexpr Table table = Table::apps;
  static constexpr std::string_view kind = "application";
  static constexpr std::uint64_t first_id = 1;

  AppId id;
  Text name;                ///< unique, not empty
  EnclaveId enclave;
  AppState state = AppState::initialized;
  std::int64_t hio_id = no_app;  ///< the app that does its host I/O, or no_app
  std::int64_t pid = 0;     ///< in its enclave; 0 before it started
  bool detached = false;    ///< nobody's foreground: stays after its launcher is gone
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;  ///< that ended it, or 0
  std::uint32_t owner_uid = 0;
  std::uint32_t owner_gid = 0;
  Text command;             ///< its command line
  Text proxy_state;         ///< what leviathan needs to adopt its proxy again; opaque here
  Text reason;              ///< why it is Crashed or Error
  Timestamp created;
  Timestamp ended;

  [[nodiscard]] Key key() const { return id; }
  friend bool operator==(const BasicApp&, const BasicApp&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("name", self.name);
    visit("enclave", self.enclave);
    visit("state", self.state);
    visit("hio_id", self.hio_id);
    visit("pid", self.pid);
    visit("detached", self.detached);
    visit("exit_code", self.exit_code);
    visit("signal", self.signal);
    visit("owner_uid", self.owner_uid);
    visit("owner_gid", self.owner_gid);
    visit("command", self.command);
    visit("proxy_state", self.proxy_state);
    visit("reason", self.reason);
    visit("created", self.created);
    visit("ended", self.ended);
  }
  template <typename V>
  void indexes(V& index) const {
    index.name(name);
    index.by(Index::state, state);
    index.by(Index::owner, enclave);
  }
};
using App = BasicApp<std::string>;
using AppView = BasicApp<std::string_view>;

}  // namespace hobbes::db
