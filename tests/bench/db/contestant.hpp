// SPDX-License-Identifier: Apache-2.0
// A contestant: some database that holds the dataset and can look one record up.
#pragma once

#include <functional>
#include <memory>

#include "tests/bench/db/dataset.hpp"

namespace hobbes::bench {

/// Does one thing to record number `i` of the dataset; false says that the answer was wrong.
using Action = std::function<bool(std::size_t i)>;

struct Contestant {
  std::shared_ptr<void> state;  ///< what the actions use
  Action by_id;
  Action by_name;
};

// Each reads id, state and name of the answer; Redis cannot be asked for less than the whole value. WhiteDB takes its
// read lock for each query. An error says why a peer cannot take part.
[[nodiscard]] Result<Contestant> make_whitedb(const Dataset& data);
[[nodiscard]] Result<Contestant> make_sqlite(const Dataset& data);
[[nodiscard]] Result<Contestant> make_redis(const Dataset& data);

/// The resource database.
struct HobbesActions {
  Contestant own_txn;        ///< a read transaction for each look-up; a view of the record
  Contestant open_txn;       ///< one read transaction for all
  Contestant copy;           ///< open_txn, but a copy of the record
  Action change_state;       ///< a committed change of an enclave's state, with its indexes and an event
};
[[nodiscard]] Result<HobbesActions> make_hobbes(const Dataset& data);

/// LMDB itself with the same bytes: the floor.
struct FloorActions {
  Contestant own_txn;        ///< renew, mdb_get, reset; by name from a table that is keyed by name
  Contestant open_txn;       ///< mdb_get
  Action by_name_twice;      ///< open_txn: mdb_get of the id, then of the record
  Action change_state;       ///< begin, the same puts and deletes, commit
};
[[nodiscard]] Result<FloorActions> make_lmdb_floor(const Dataset& data);

}  // namespace hobbes::bench
