// SPDX-License-Identifier: Apache-2.0
// bench_db [--json FILE] [rounds]: prints what a look-up and a committed change of state cost, beside the floor and the peers.
#include <cstdio>
#include <string>

#include "base/parse.hpp"
#include "tests/bench/db/contestant.hpp"
#include "tests/bench/db/measure.hpp"

namespace hobbes::bench {
namespace {

constexpr std::size_t enclaves = 256;
constexpr std::uint64_t default_rounds = 3000;

/// Measures, prints and records; the first runner is the floor, `ours` the one that the peers are compared with.
Status compare(Results& results, const char* title, const std::vector<Runner>& runners, std::size_t ours, std::size_t rounds) {
  const std::vector<Figures> all = TRY(measure(runners, enclaves, rounds));
  std::printf("\n### %s\n\n| what | median ns | p99 ns | to the floor | to db |\n|---|---:|---:|---:|---:|\n", title);
  results.start_group(title, "ns");
  for (const Figures& figures : all) {
    std::printf("| %s | %.0f | %.0f | %.2f | %.2f |\n", figures.name.c_str(), figures.ns.median, figures.ns.p99,
                figures.ns.median / all.front().ns.median, figures.ns.median / all[ours].ns.median);
    results.add(figures.name, figures.ns);
  }
  return {};
}

struct Peer {
  const char* name;
  Result<Contestant> contestant;
  std::size_t batch;
};

std::vector<Runner> with_peers(std::vector<Runner> runners, const std::vector<Peer>& peers,
                               Action Contestant::*action) {
  for (const Peer& peer : peers) {
    if (peer.contestant) runners.push_back({peer.name, (*peer.contestant).*action, peer.batch});
  }
  return runners;
}

Status run(std::size_t rounds, Results& results) {
  const ScratchDirectory scratch = TRY(ScratchDirectory::create());
  const Dataset data = make_dataset(scratch.path(), enclaves);
  std::vector<Peer> peers;
  peers.push_back({"WhiteDB, indexed query", make_whitedb(data), 32});
  peers.push_back({"SQLite, prepared select", make_sqlite(data), 32});
  peers.push_back({"Redis, GET over a Unix socket", make_redis(data), 1});
  TRY(pin_to_last_cpu());  // after Redis has started: its server is to have the other CPUs
  const FloorActions floor = TRY(make_lmdb_floor(data));
  const HobbesActions ours = TRY(make_hobbes(data));

  std::printf("%zu enclaves of %zu bytes, %zu rounds, all contestants interleaved, one CPU\n", enclaves,
              data.values.front().size(), rounds);
  for (const Peer& peer : peers) {
    if (!peer.contestant) std::printf("skipped: %s: %s\n", peer.name, peer.contestant.error().text().c_str());
  }

  TRY(compare(results, "One record by id, in a read transaction",
              with_peers({{"LMDB: mdb_get", floor.open_txn.by_id},
                          {"db: view()", ours.open_txn.by_id},
                          {"db: get(), a copy", ours.copy.by_id}},
                         peers, &Contestant::by_id),
              1, rounds));
  TRY(compare(results, "One record by name, in a read transaction",
              with_peers({{"LMDB: mdb_get from a table by name", floor.open_txn.by_name},
                          {"LMDB: mdb_get of the id, mdb_get of the record", floor.by_name_twice},
                          {"db: find_view()", ours.open_txn.by_name},
                          {"db: find_enclave(), a copy", ours.copy.by_name}},
                         peers, &Contestant::by_name),
              2, rounds));
  TRY(compare(results, "One record by id, and a transaction for it",
              {{"LMDB: renew, mdb_get, reset", floor.own_txn.by_id}, {"db: read(), view()", ours.own_txn.by_id}}, 1,
              rounds));
  TRY(compare(results, "One record by name, and a transaction for it",
              {{"LMDB: renew, mdb_get from a table by name, reset", floor.own_txn.by_name},
               {"db: read(), find_view()", ours.own_txn.by_name}},
              1, rounds));
  TRY(compare(results, "A committed change of an enclave's state, its index entries and an event",
              {{"LMDB: begin, mdb_get, 3 puts, 1 delete, commit", floor.change_state, 4},
               {"db: write(), get(), put(), append_event(), commit()", ours.change_state, 4}},
              1, rounds));
  return {};
}

}  // namespace
}  // namespace hobbes::bench

int main(int argc, char** argv) {
  using namespace hobbes;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto json = bench::take_json_option(arguments);
  const auto rounds = arguments.empty() ? Result<std::uint64_t>(bench::default_rounds)
                                        : parse_u64(arguments.front(), "number of rounds", 10, 1'000'000);
  if (arguments.size() > 1 || !json || !rounds) {
    std::fprintf(stderr, "usage: bench_db [--json FILE] [rounds]\n");
    return 2;
  }
  bench::Results results("db");
  Status done = bench::run(*rounds, results);
  if (done && *json) done = results.write(**json);
  if (!done) {
    std::fprintf(stderr, "bench_db: %s\n", done.error().text().c_str());
    return 1;
  }
  return 0;
}
