// SPDX-License-Identifier: Apache-2.0
// PmiValue and PmiBarrier: what the ranks of a parallel job tell each other, per application.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/keys.hpp"
#include "db/table.hpp"

namespace hobbes::db {

struct PmiValue {
  using Key = PmiKey;
  using View = PmiValue;
  static constexpr Table table = Table::pmi_values;
  static constexpr std::string_view kind = "PMI value";

  AppId app;
  std::string space;  ///< the key-value space's name
  std::string name;
  std::string value;

  [[nodiscard]] Key key() const { return {app, space, name}; }
  friend bool operator==(const PmiValue&, const PmiValue&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("space", self.space);
    visit("name", self.name);
    visit("value", self.value);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::app, app);
  }
};

struct PmiBarrier {
  using Key = AppId;
  using View = PmiBarrier;
  static constexpr Table table = Table::pmi_barriers;
  static constexpr std::string_view kind = "PMI barrier";

  AppId app;
  std::uint32_t ranks = 0;
  std::uint64_t generation = 0;         ///< how often it has opened
  std::vector<std::uint32_t> arrived;   ///< ranks that wait for the next opening

  [[nodiscard]] Key key() const { return app; }
  friend bool operator==(const PmiBarrier&, const PmiBarrier&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("ranks", self.ranks);
    visit("generation", self.generation);
    visit("arrived", self.arrived);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::app, app);
  }
};

}  // namespace hobbes::db
