// SPDX-License-Identifier: Apache-2.0
// LMDB itself with the same bytes, keys and flags as the resource database: what it cannot be faster than.
#include <lmdb.h>

#include <array>
#include <cstring>
#include <utility>

#include "db/codec.hpp"
#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {
namespace {

enum Table : std::size_t { enclaves, by_name, names, indexes, events, table_count };

struct State {
  explicit State(const Dataset& dataset) : data(dataset) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    mdb_txn_abort(open);
    mdb_txn_abort(spare);
    mdb_env_close(env);
  }

  const Dataset& data;
  MDB_env* env = nullptr;
  MDB_txn* open = nullptr;
  MDB_txn* spare = nullptr;
  std::array<MDB_dbi, table_count> tables{};
  std::uint64_t next_event = 1;
  std::string event_value;
};

MDB_val to_val(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

bool put(State& state, MDB_txn* txn, Table table, std::string_view key, std::string_view value, unsigned flags = 0) {
  MDB_val k = to_val(key);
  MDB_val v = to_val(value);
  return mdb_put(txn, state.tables[table], &k, &v, flags) == MDB_SUCCESS;
}

bool del(State& state, MDB_txn* txn, Table table, std::string_view key) {
  MDB_val k = to_val(key);
  return mdb_del(txn, state.tables[table], &k, nullptr) == MDB_SUCCESS;
}

/// The length says that these are the record's bytes, without the price of comparing them.
bool get(const State& state, MDB_txn* txn, Table table, std::string_view key, std::string_view expected) {
  MDB_val k = to_val(key);
  MDB_val v{};
  return mdb_get(txn, state.tables[table], &k, &v) == MDB_SUCCESS && v.mv_size == expected.size();
}

db::KeyBytes id_key(std::size_t i) { return db::KeyBytes(EnclaveId(i + 1)); }

/// As long as the resource database's: table, index, value, record key.
db::KeyBytes state_key(std::size_t i, db::EnclaveState state) {
  db::KeyBytes key(db::Table::enclaves);
  key.add(db::Index::state);
  key.add(static_cast<std::uint64_t>(state));
  key.append(id_key(i).view());
  return key;
}

bool fill(State& state) {
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(state.env, nullptr, 0, &txn) != MDB_SUCCESS) return false;
  constexpr std::array<const char*, table_count> table_names{"enclaves", "by_name", "names", "indexes", "events"};
  for (std::size_t t = 0; t < table_count; ++t) {
    const unsigned flags = t == enclaves || t == events ? MDB_CREATE | MDB_INTEGERKEY : MDB_CREATE;
    if (mdb_dbi_open(txn, table_names[t], flags, &state.tables[t]) != MDB_SUCCESS) return false;
  }
  bool done = true;
  for (std::size_t i = 0; i < state.data.enclaves.size(); ++i) {
    const db::Enclave& enclave = state.data.enclaves[i];
    done &= put(state, txn, enclaves, id_key(i).view(), state.data.values[i]);
    done &= put(state, txn, by_name, enclave.name, state.data.values[i]);
    done &= put(state, txn, names, enclave.name, id_key(i).view());
    done &= put(state, txn, indexes, state_key(i, enclave.state).view(), {});
  }
  return mdb_txn_commit(txn) == MDB_SUCCESS && done;
}

bool change_state(State& state, std::size_t i) {
  std::string value = state.data.values[i];
  // Which state it is in lies in one byte of its value: id, length and text of the name, type, state.
  const std::size_t at = 8 + 4 + state.data.enclaves[i].name.size() + 1;
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(state.env, nullptr, 0, &txn) != MDB_SUCCESS) return false;
  const db::KeyBytes key = id_key(i);
  MDB_val k = to_val(key.view());
  MDB_val v{};
  bool done = mdb_get(txn, state.tables[enclaves], &k, &v) == MDB_SUCCESS;
  const auto before = static_cast<db::EnclaveState>(static_cast<const char*>(v.mv_data)[at]);
  const auto after = before == db::EnclaveState::running ? db::EnclaveState::stopped : db::EnclaveState::running;
  value[at] = static_cast<char>(after);
  done &= put(state, txn, enclaves, key.view(), value);
  done &= del(state, txn, indexes, state_key(i, before).view());
  done &= put(state, txn, indexes, state_key(i, after).view(), {});
  done &= put(state, txn, events, db::KeyBytes(db::Sequence(state.next_event++)).view(), state.event_value, MDB_APPEND);
  return mdb_txn_commit(txn) == MDB_SUCCESS && done;
}

Result<std::shared_ptr<State>> open_filled(const Dataset& data, const char* file) {
  auto state = std::make_shared<State>(data);
  state->event_value = db::encode(db::Event{});
  if (mdb_env_create(&state->env) != MDB_SUCCESS || mdb_env_set_maxdbs(state->env, table_count) != MDB_SUCCESS ||
      mdb_env_set_mapsize(state->env, gib(1).value) != MDB_SUCCESS ||
      mdb_env_open(state->env, (data.directory / file).c_str(), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, 0600) != 0 ||
      !fill(*state) || mdb_txn_begin(state->env, nullptr, MDB_RDONLY, &state->open) != MDB_SUCCESS ||
      mdb_txn_begin(state->env, nullptr, MDB_RDONLY, &state->spare) != MDB_SUCCESS) {
    return Error(Code::io, "LMDB cannot be set up");
  }
  mdb_txn_reset(state->spare);
  return state;
}

bool get_in_own_txn(const State& state, Table table, std::string_view key, std::string_view expected) {
  if (mdb_txn_renew(state.spare) != MDB_SUCCESS) return false;
  const bool right = get(state, state.spare, table, key, expected);
  mdb_txn_reset(state.spare);
  return right;
}

bool get_by_name_twice(const State& state, std::size_t i) {
  MDB_val k = to_val(state.data.enclaves[i].name);
  MDB_val id{};
  return mdb_get(state.open, state.tables[names], &k, &id) == MDB_SUCCESS &&
         get(state, state.open, enclaves, {static_cast<const char*>(id.mv_data), id.mv_size}, state.data.values[i]);
}

}  // namespace

Result<FloorActions> make_lmdb_floor(const Dataset& data) {
  const auto state = TRY(open_filled(data, "floor.mdb"));
  const auto changing = TRY(open_filled(data, "floor-changing.mdb"));
  mdb_txn_reset(changing->open);  // else no page could be used again

  FloorActions actions;
  actions.own_txn = {
      state,
      [state](std::size_t i) { return get_in_own_txn(*state, enclaves, id_key(i).view(), state->data.values[i]); },
      [state](std::size_t i) {
        return get_in_own_txn(*state, by_name, state->data.enclaves[i].name, state->data.values[i]);
      }};
  actions.open_txn = {
      state,
      [state](std::size_t i) { return get(*state, state->open, enclaves, id_key(i).view(), state->data.values[i]); },
      [state](std::size_t i) {
        return get(*state, state->open, by_name, state->data.enclaves[i].name, state->data.values[i]);
      }};
  actions.by_name_twice = [state](std::size_t i) { return get_by_name_twice(*state, i); };
  actions.change_state = [changing](std::size_t i) { return change_state(*changing, i); };
  return actions;
}

}  // namespace hobbes::bench
