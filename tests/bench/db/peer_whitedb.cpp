// SPDX-License-Identifier: Apache-2.0
// WhiteDB as a contestant: a database of this process, T-tree indexes by id and by name, a read lock for each query.
#include <whitedb/dbapi.h>
extern "C" {  // this header lacks it
#include <whitedb/indexapi.h>
}

#include <string>
#include <string_view>

#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {
namespace {

constexpr wg_int database_size = 64 << 20;
enum Field : wg_int { id, name, state, rest, field_count };

struct State {
  explicit State(const Dataset& dataset) : data(dataset) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { wg_delete_local_database(db); }

  const Dataset& data;
  void* db = nullptr;
};

bool fill(const State& into) {
  for (std::size_t i = 0; i < into.data.enclaves.size(); ++i) {
    const db::Enclave& enclave = into.data.enclaves[i];
    std::string value = into.data.values[i];
    void* record = wg_create_record(into.db, field_count);
    if (record == nullptr) return false;
    wg_set_field(into.db, record, id, wg_encode_int(into.db, static_cast<wg_int>(enclave.id.value)));
    wg_set_field(into.db, record, name, wg_encode_str(into.db, enclave.name.c_str(), nullptr));
    wg_set_field(into.db, record, state, wg_encode_int(into.db, static_cast<wg_int>(enclave.state)));
    const auto size = static_cast<wg_int>(value.size());
    wg_set_field(into.db, record, rest, wg_encode_blob(into.db, value.data(), nullptr, size));
  }
  return wg_create_index(into.db, id, WG_INDEX_TYPE_TTREE, nullptr, 0) == 0 &&
         wg_create_index(into.db, name, WG_INDEX_TYPE_TTREE, nullptr, 0) == 0;
}

bool is(void* db, void* record, const db::Enclave& expected) {
  return record != nullptr &&
         wg_decode_int(db, wg_get_field(db, record, id)) == static_cast<wg_int>(expected.id.value) &&
         wg_decode_int(db, wg_get_field(db, record, state)) == static_cast<wg_int>(expected.state) &&
         expected.name == wg_decode_str(db, wg_get_field(db, record, name));
}

bool answers(void* db, Field field, wg_int parameter, const db::Enclave& expected) {
  const wg_int lock = wg_start_read(db);
  wg_query_arg condition{};
  condition.column = field;
  condition.cond = WG_COND_EQUAL;
  condition.value = parameter;
  wg_query* query = wg_make_query(db, nullptr, 0, &condition, 1);
  const bool right = query != nullptr && is(db, wg_fetch(db, query), expected);
  if (query != nullptr) wg_free_query(db, query);
  wg_free_query_param(db, parameter);
  wg_end_read(db, lock);
  return right;
}

}  // namespace

Result<Contestant> make_whitedb(const Dataset& data) {
  auto state = std::make_shared<State>(data);
  state->db = wg_attach_local_database(database_size);
  if (state->db == nullptr || !fill(*state)) return Error(Code::io, "WhiteDB cannot be set up");
  return Contestant{
      state,
      [state](std::size_t i) {
        const wg_int parameter = wg_encode_query_param_int(state->db, static_cast<wg_int>(i + 1));
        return answers(state->db, Field::id, parameter, state->data.enclaves[i]);
      },
      [state](std::size_t i) {
        const db::Enclave& expected = state->data.enclaves[i];
        const wg_int parameter = wg_encode_query_param_str(state->db, expected.name.c_str(), nullptr);
        return answers(state->db, Field::name, parameter, expected);
      }};
}

}  // namespace hobbes::bench
