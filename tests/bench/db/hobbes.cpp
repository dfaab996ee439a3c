// SPDX-License-Identifier: Apache-2.0
// The resource database as a contestant.
#include <optional>
#include <utility>

#include "db/environment.hpp"
#include "db/events.hpp"
#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {
namespace {

using namespace hobbes::db;

struct State {
  explicit State(Environment opened, const Dataset& dataset) : env(std::move(opened)), data(dataset) {}

  Environment env;
  const Dataset& data;
  std::optional<ReadTxn> open;  // ends before the environment
};

Status fill(Environment& env, const Dataset& data) {
  WriteTxn txn = TRY(env.write());
  for (const Enclave& enclave : data.enclaves) {
    TRY(txn.next_id<Enclave>());
    TRY(txn.put(enclave));
  }
  return std::move(txn).commit();
}

template <typename Found>
bool is(const Found& found, const Enclave& expected) {
  return found && *found && (*found)->id == expected.id && (*found)->state == expected.state &&
         (*found)->name == expected.name;
}

Status change_state(Environment& env, EnclaveId id) {
  WriteTxn txn = TRY(env.write());
  auto enclave = TRY(txn.get<Enclave>(id));
  if (!enclave) return Error(Code::not_found, "enclave");
  enclave->state = enclave->state == EnclaveState::running ? EnclaveState::stopped : EnclaveState::running;
  enclave->changed = now();
  TRY(txn.put(*enclave));
  TRY(append_event(txn, {.sequence = {},
                         .what = EventKind::state,
                         .object = ObjectKind::enclave,
                         .id = id.value,
                         .text = std::string(to_string(enclave->state)),
                         .time = enclave->changed}));
  return std::move(txn).commit();
}

Result<std::shared_ptr<State>> open_filled(const Dataset& data, const char* directory) {
  std::filesystem::create_directory(data.directory / directory);
  auto state = std::make_shared<State>(TRY(Environment::create(data.directory / directory)), data);
  TRY(fill(state->env, data));
  state->open.emplace(TRY(state->env.read()));
  return state;
}

}  // namespace

Result<HobbesActions> make_hobbes(const Dataset& data) {
  auto state = TRY(open_filled(data, "hobbes"));
  // State changes have a database of their own, so that the looked-up records stay as they are.
  auto changing = TRY(open_filled(data, "hobbes-changing"));
  changing->open.reset();

  HobbesActions actions;
  actions.own_txn = {state,
                     [state](std::size_t i) {
                       const auto txn = state->env.read();
                       return txn && is(txn->view<Enclave>(EnclaveId(i + 1)), state->data.enclaves[i]);
                     },
                     [state](std::size_t i) {
                       const Enclave& expected = state->data.enclaves[i];
                       const auto txn = state->env.read();
                       return txn && is(txn->find_view<Enclave>(expected.name), expected);
                     }};
  actions.open_txn = {state,
                      [state](std::size_t i) {
                        return is(state->open->view<Enclave>(EnclaveId(i + 1)), state->data.enclaves[i]);
                      },
                      [state](std::size_t i) {
                        const Enclave& expected = state->data.enclaves[i];
                        return is(state->open->find_view<Enclave>(expected.name), expected);
                      }};
  actions.copy = {state,
                  [state](std::size_t i) {
                    return is(state->open->get<Enclave>(EnclaveId(i + 1)), state->data.enclaves[i]);
                  },
                  [state](std::size_t i) {
                    const Enclave& expected = state->data.enclaves[i];
                    return is(state->open->find_enclave(expected.name), expected);
                  }};
  actions.change_state = [changing](std::size_t i) {
    return change_state(changing->env, EnclaveId(i + 1)).has_value();
  };
  return actions;
}

}  // namespace hobbes::bench
