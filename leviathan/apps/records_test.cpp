// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/records.hpp"

#include <catch2/catch.hpp>
#include <signal.h>

#include "db/check.hpp"
#include "db/environment.hpp"
#include "leviathan/apps/adoption.hpp"
#include "base/test_dir.hpp"
#include "leviathan/pmi/records.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;
using namespace hobbes::leviathan::apps;

namespace {

/// A database with the master and one enclave.
struct Records {
  Records() : environment(*db::Environment::create(dir.path(), {.map_size = mib(64), .group = {}, .boot_id = {}})) {
    auto txn = environment.write();
    REQUIRE(txn);
    int enclave_count = 0;
    for (const char* name : {"master", "kitten"}) {
      db::Enclave enclave;
      enclave.id = enclave_count++ == 0 ? master_enclave : *txn->next_id<db::Enclave>();
      enclave.name = name;
      enclave.state = db::EnclaveState::running;
      REQUIRE(txn->put(enclave));
    }
    REQUIRE(std::move(*txn).commit());
  }
  ~Records() {
    const auto problems = db::check(*environment.read());
    CHECK(problems == std::vector<std::string>{});
  }

  /// Runs `work` in a write transaction and commits what it did.
  template <typename Work>
  auto write(Work work) {
    auto txn = environment.write();
    REQUIRE(txn);
    auto result = work(*txn);
    if (result) REQUIRE(std::move(*txn).commit());
    return result;
  }
  Result<Launch> begin(const std::string& name, const std::string& path = "/bin/echo") {
    return write([&](db::WriteTxn& txn) {
      return begin_launch(txn, {.enclave = kitten, .name = name, .path = path, .command = "echo"});
    });
  }
  Launch run(const std::string& name = {}) {
    const auto launch = begin(name);
    REQUIRE(launch);
    REQUIRE(write([&](db::WriteTxn& txn) { return commit_launch(txn, *launch, 5, "1 2 3"); }));
    return *launch;
  }
  auto end(AppId app, const End& how) {
    return write([&](db::WriteTxn& txn) { return record_end(txn, app, how); });
  }
  std::optional<db::App> get(AppId app) { return *environment.read()->get<db::App>(app); }

  static constexpr EnclaveId kitten{1};
  TestDir dir;
  db::Environment environment;
};

}  // namespace

TEST_CASE("a launch is Initialized and journaled, then Running", "[apps]") {
  Records records;
  const auto launch = records.begin("solver");
  REQUIRE(launch);
  CHECK(records.get(launch->app)->state == db::AppState::initialized);
  CHECK(db::pending_operations(*records.environment.read())->size() == 1);
  REQUIRE(records.write([&](db::WriteTxn& txn) { return commit_launch(txn, *launch, 7, "text"); }));
  CHECK(records.get(launch->app)->state == db::AppState::running);
  CHECK(records.get(launch->app)->proxy_state == "text");
  CHECK(db::pending_operations(*records.environment.read())->empty());
}

TEST_CASE("a launch taken back leaves nothing, however often", "[apps]") {
  Records records;
  const auto launch = records.begin("solver");
  REQUIRE(launch);
  for (int times = 0; times < 2; ++times) {
    REQUIRE(records.write([&](db::WriteTxn& txn) { return abort_launch(txn, *launch, "no such program"); }));
    CHECK_FALSE(records.get(launch->app));
  }
}

TEST_CASE("automatic names are the program's with the first free number", "[apps]") {
  Records records;
  CHECK(records.run().name == "echo");
  CHECK(records.run().name == "echo-1");
  CHECK(records.run().name == "echo-2");
}

TEST_CASE("a chosen name is unique among the living and free again after the end", "[apps]") {
  Records records;
  const Launch first = records.run("solver");
  const auto second = records.begin("solver");
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Code::exists);
  CHECK(second.error().text() == "application name 'solver' is taken");
  REQUIRE(records.end(first.app, {.exit_code = 0}));
  CHECK(records.run("solver").name == "solver");
  CHECK_FALSE(records.get(first.app));
}

TEST_CASE("an end is recorded once", "[apps]") {
  Records records;
  const AppId app = records.run().app;
  REQUIRE(records.end(app, {.exit_code = 3}));
  REQUIRE(records.end(app, {.signal = SIGKILL}));
  CHECK(records.get(app)->state == db::AppState::stopped);
  CHECK(end_of(*records.get(app))->exit_code == 3);
}

TEST_CASE("a signal makes it a crash", "[apps]") {
  Records records;
  const AppId app = records.run().app;
  CHECK_FALSE(end_of(*records.get(app)));
  REQUIRE(records.end(app, {.signal = SIGSEGV}));
  CHECK(records.get(app)->state == db::AppState::crashed);
  CHECK(end_of(*records.get(app))->signal == SIGSEGV);
}

TEST_CASE("what its ranks have put goes with an application", "[apps]") {
  Records records;
  const Launch launch = records.run();
  const protocol::PmiWrite news{.app = launch.app, .ranks = 2, .generation = 1, .space = "job_1", .values = {{"a", "1"}}};
  REQUIRE(records.write([&](db::WriteTxn& txn) { return pmi::write(txn, news); }));
  CHECK(records.environment.read()->get<db::PmiValue>({launch.app, "job_1", "a"}).value()->value == "1");
  CHECK(records.environment.read()->get<db::PmiBarrier>(launch.app).value()->generation == 1);
  REQUIRE(records.end(launch.app, {}));
  CHECK_FALSE(records.environment.read()->get<db::PmiValue>({launch.app, "job_1", "a"}).value());
  CHECK_FALSE(records.environment.read()->get<db::PmiBarrier>(launch.app).value());
  const auto late = records.write([&](db::WriteTxn& txn) { return pmi::write(txn, news); });
  CHECK(late.error().code() == Code::not_found);
}

TEST_CASE("only the latest ends stay listed", "[apps]") {
  Records records;
  const AppId first = records.run("first").app;
  REQUIRE(records.end(first, {}));
  for (std::size_t i = 1; i < ended_apps_kept; ++i) {
    CHECK(records.end(records.run("n" + std::to_string(i)).app, {})->empty());
  }
  CHECK(*records.end(records.run("last").app, {}) == std::vector{first});
  CHECK_FALSE(records.get(first));
}

TEST_CASE("a crashed enclave ends its applications and launches", "[apps]") {
  Records records;
  const AppId running = records.run("running").app;
  const auto launch = records.begin("starting");
  REQUIRE(records.write([&](db::WriteTxn& txn) { return end_apps_of(txn, Records::kitten, "its enclave ended"); }));
  CHECK(records.get(running)->state == db::AppState::crashed);
  CHECK(records.get(running)->reason == "its enclave ended");
  CHECK_FALSE(records.get(launch->app));
  const Status late = records.write([&](db::WriteTxn& txn) { return commit_launch(txn, *launch, 1, ""); });
  CHECK(late.error().code() == Code::unavailable);
}

TEST_CASE("a destroyed enclave takes the records of its applications along", "[apps]") {
  Records records;
  const AppId running = records.run("running").app;
  REQUIRE(records.begin("starting"));
  REQUIRE(records.write([&](db::WriteTxn& txn) -> Status {
    TRY(erase_apps_of(txn, Records::kitten));
    TRY(txn.erase<db::Enclave>(Records::kitten));
    return {};
  }));
  CHECK_FALSE(records.get(running));
}

TEST_CASE("adoption records come back as they were written", "[apps]") {
  const Adoption adoption{.channel = 0x123456000, .launcher = {.pid = 77, .start_time = 123456789}};
  CHECK(*parse_adoption(to_text(adoption)) == adoption);
  for (const char* text : {"", "1 2", "1 2 3 4", "x 2 3"}) CHECK(parse_adoption(text).error().code() == Code::corrupt);
}

TEST_CASE("a launcher is known again by its start time", "[apps]") {
  const Launcher self = launcher_of(::getpid());
  CHECK(self.start_time != 0);
  CHECK(open_launcher(self));
  CHECK(open_launcher({self.pid, self.start_time + 1}).error().code() == Code::not_found);
}
