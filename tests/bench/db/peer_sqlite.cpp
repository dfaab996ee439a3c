// SPDX-License-Identifier: Apache-2.0
// SQLite as a contestant: a table in memory, indexed by id and by name, prepared selects.
#include <sqlite3.h>

#include <string_view>

#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {
namespace {

struct State {
  explicit State(const Dataset& dataset) : data(dataset) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    sqlite3_finalize(by_id);
    sqlite3_finalize(by_name);
    sqlite3_close(db);
  }

  const Dataset& data;
  sqlite3* db = nullptr;
  sqlite3_stmt* by_id = nullptr;
  sqlite3_stmt* by_name = nullptr;
};

int size_of(std::string_view text) { return static_cast<int>(text.size()); }

void bind_text(sqlite3_stmt* statement, int at, std::string_view text) {
  sqlite3_bind_text(statement, at, text.data(), size_of(text), SQLITE_STATIC);
}

bool prepare(State& state, const char* sql, sqlite3_stmt** statement) {
  return sqlite3_prepare_v2(state.db, sql, -1, statement, nullptr) == SQLITE_OK;
}

bool fill(State& state) {
  sqlite3_stmt* insert = nullptr;
  constexpr const char* schema =
      "create table enclaves(id integer primary key, name text unique, state integer, rest blob)";
  if (sqlite3_exec(state.db, schema, nullptr, nullptr, nullptr) != SQLITE_OK ||
      !prepare(state, "insert into enclaves values(?,?,?,?)", &insert)) {
    return false;
  }
  bool done = true;
  for (std::size_t i = 0; i < state.data.enclaves.size(); ++i) {
    const db::Enclave& enclave = state.data.enclaves[i];
    sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(enclave.id.value));
    bind_text(insert, 2, enclave.name);
    sqlite3_bind_int(insert, 3, static_cast<int>(enclave.state));
    sqlite3_bind_blob(insert, 4, state.data.values[i].data(), size_of(state.data.values[i]), SQLITE_STATIC);
    done &= sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  return done;
}

bool answers(sqlite3_stmt* statement, const db::Enclave& expected) {
  bool right = sqlite3_step(statement) == SQLITE_ROW;
  right = right && sqlite3_column_int64(statement, 0) == static_cast<sqlite3_int64>(expected.id.value) &&
          sqlite3_column_int(statement, 2) == static_cast<int>(expected.state) &&
          expected.name == reinterpret_cast<const char*>(sqlite3_column_text(statement, 1));
  sqlite3_reset(statement);
  return right;
}

}  // namespace

Result<Contestant> make_sqlite(const Dataset& data) {
  auto state = std::make_shared<State>(data);
  if (sqlite3_open(":memory:", &state->db) != SQLITE_OK || !fill(*state) ||
      !prepare(*state, "select id, name, state, rest from enclaves where id = ?", &state->by_id) ||
      !prepare(*state, "select id, name, state, rest from enclaves where name = ?", &state->by_name)) {
    return Error(Code::io, std::string("SQLite: ") + sqlite3_errmsg(state->db));
  }
  return Contestant{state,
                    [state](std::size_t i) {
                      sqlite3_bind_int64(state->by_id, 1, static_cast<sqlite3_int64>(i + 1));
                      return answers(state->by_id, state->data.enclaves[i]);
                    },
                    [state](std::size_t i) {
                      bind_text(state->by_name, 1, state->data.enclaves[i].name);
                      return answers(state->by_name, state->data.enclaves[i]);
                    }};
}

}  // namespace hobbes::bench
