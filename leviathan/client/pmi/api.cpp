// SPDX-License-Identifier: Apache-2.0
// The C functions of <hobbes/pmi.h>.
#include <hobbes/pmi.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "leviathan/client/pmi/mapping.hpp"
#include "leviathan/client/pmi/session.hpp"

namespace {

using hobbes::client::pmi::clique_of;
using hobbes::client::pmi::Session;
using hobbes::client::pmi::value_of;

/// PMI has one conversation a process: its functions take no handle.
Session& session() {
  static Session the_session;
  return the_session;
}

constexpr const char* alone_name = "job_alone";
constexpr int default_max_name = 64, default_max_value = 1024;

int give(int* to, int value) {
  if (to == nullptr) return PMI_ERR_INVALID_ARG;
  *to = value;
  return PMI_SUCCESS;
}

int give(char* to, int length, const std::string& text) {
  if (to == nullptr) return PMI_ERR_INVALID_ARG;
  if (length <= 0 || static_cast<std::size_t>(length) <= text.size()) return PMI_ERR_INVALID_LENGTH;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return PMI_SUCCESS;
}

int get_number(int* to, const char* request, const char* answer, const char* name, int when_alone) {
  if (!session().is_open()) return PMI_ERR_INIT;
  if (session().alone()) return give(to, when_alone);
  const auto line = session().ask(std::string("cmd=") + request + "\n", answer);
  const auto text = line ? value_of(*line, name) : std::nullopt;
  return text ? give(to, std::atoi(text->c_str())) : PMI_FAIL;
}

bool is_word(const char* text) { return text != nullptr && std::strpbrk(text, " \n") == nullptr; }

std::optional<std::string> find(const std::string& space, const std::string& key) {
  if (session().alone()) {
    const auto& values = session().own_values;
    const auto found = values.find(key);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  const auto line = session().ask("cmd=get kvsname=" + space + " key=" + key + "\n", "get_result");
  return line ? value_of(*line, "value") : std::nullopt;
}

std::optional<std::string> my_space() {
  if (session().alone()) return alone_name;
  const auto line = session().ask("cmd=get_my_kvsname\n", "my_kvsname");
  return line ? value_of(*line, "kvsname") : std::nullopt;
}

/// Without a mapping each rank is taken to be by itself.
std::vector<int> my_clique() {
  const auto space = my_space();
  const auto mapping = space ? find(*space, "PMI_process_mapping") : std::nullopt;
  auto clique = mapping ? clique_of(session().rank(), session().size(), *mapping) : std::vector<int>();
  if (clique.empty()) clique.push_back(session().rank());
  return clique;
}

}  // namespace

extern "C" {

int PMI_Init(int* spawned) {
  if (session().is_open() || session().open()) return spawned == nullptr ? PMI_ERR_INVALID_ARG : give(spawned, PMI_FALSE);
  return PMI_FAIL;
}

int PMI_Initialized(int* initialized) { return give(initialized, session().is_open() ? PMI_TRUE : PMI_FALSE); }

int PMI_Finalize(void) {
  if (!session().is_open()) return PMI_ERR_INIT;
  const bool left = session().alone() || session().ask("cmd=finalize\n", "finalize_ack");
  session().close();
  return left ? PMI_SUCCESS : PMI_FAIL;
}

int PMI_Abort(int exit_code, const char error_message[]) {
  if (error_message != nullptr) std::fprintf(stderr, "%s\n", error_message);
  if (session().is_open() && !session().alone()) session().tell("cmd=abort exitcode=" + std::to_string(exit_code) + "\n");
  ::_exit(exit_code);
}

int PMI_Get_size(int* size) { return session().is_open() ? give(size, session().size()) : PMI_ERR_INIT; }
int PMI_Get_rank(int* rank) { return session().is_open() ? give(rank, session().rank()) : PMI_ERR_INIT; }
int PMI_Get_universe_size(int* size) { return get_number(size, "get_universe_size", "universe_size", "size", 1); }
int PMI_Get_appnum(int* appnum) { return get_number(appnum, "get_appnum", "appnum", "appnum", 0); }

int PMI_Get_clique_size(int* size) {
  return session().is_open() ? give(size, static_cast<int>(my_clique().size())) : PMI_ERR_INIT;
}

int PMI_Get_clique_ranks(int ranks[], int length) {
  if (!session().is_open()) return PMI_ERR_INIT;
  if (ranks == nullptr) return PMI_ERR_INVALID_ARG;
  const std::vector<int> clique = my_clique();
  if (length < static_cast<int>(clique.size())) return PMI_ERR_INVALID_LENGTH;
  std::memcpy(ranks, clique.data(), clique.size() * sizeof(int));
  return PMI_SUCCESS;
}

int PMI_Barrier(void) {
  if (!session().is_open()) return PMI_ERR_INIT;
  return session().alone() || session().ask("cmd=barrier_in\n", "barrier_out") ? PMI_SUCCESS : PMI_FAIL;
}

int PMI_KVS_Get_my_name(char kvsname[], int length) {
  if (!session().is_open()) return PMI_ERR_INIT;
  const auto name = my_space();
  return name ? give(kvsname, length, *name) : PMI_FAIL;
}

int PMI_KVS_Get_name_length_max(int* length) {
  return get_number(length, "get_maxes", "maxes", "kvsname_max", default_max_name);
}
int PMI_KVS_Get_key_length_max(int* length) {
  return get_number(length, "get_maxes", "maxes", "keylen_max", default_max_name);
}
int PMI_KVS_Get_value_length_max(int* length) {
  return get_number(length, "get_maxes", "maxes", "vallen_max", default_max_value);
}

int PMI_KVS_Put(const char kvsname[], const char key[], const char value[]) {
  if (!session().is_open()) return PMI_ERR_INIT;
  if (!is_word(kvsname)) return PMI_ERR_INVALID_ARG;
  if (!is_word(key) || *key == '\0') return PMI_ERR_INVALID_KEY;
  if (!is_word(value)) return PMI_ERR_INVALID_VAL;
  if (session().alone()) {
    session().own_values[key] = value;
    return PMI_SUCCESS;
  }
  const std::string request = std::string("cmd=put kvsname=") + kvsname + " key=" + key + " value=" + value + "\n";
  return session().ask(request, "put_result") ? PMI_SUCCESS : PMI_FAIL;
}

int PMI_KVS_Commit(const char kvsname[]) { return kvsname == nullptr ? PMI_ERR_INVALID_ARG : PMI_SUCCESS; }

int PMI_KVS_Get(const char kvsname[], const char key[], char value[], int length) {
  if (!session().is_open()) return PMI_ERR_INIT;
  if (!is_word(kvsname)) return PMI_ERR_INVALID_ARG;
  if (!is_word(key)) return PMI_ERR_INVALID_KEY;
  const auto found = find(kvsname, key);
  return found ? give(value, length, *found) : PMI_FAIL;
}

int PMI_Get_id_length_max(int* length) { return PMI_KVS_Get_name_length_max(length); }
int PMI_Get_kvs_domain_id(char id[], int length) { return PMI_KVS_Get_my_name(id, length); }

int PMI_Publish_name(const char[], const char[]) { return PMI_FAIL; }
int PMI_Unpublish_name(const char[]) { return PMI_FAIL; }
int PMI_Lookup_name(const char[], char[]) { return PMI_FAIL; }
int PMI_Spawn_multiple(int, const char*[], const char**[], const int[], const int[], const PMI_keyval_t*[], int,
                       const PMI_keyval_t[], int[]) {
  return PMI_FAIL;
}

}  // extern "C"
