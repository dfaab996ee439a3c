// SPDX-License-Identifier: Apache-2.0
#include "db/environment.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>

#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

EnvironmentOptions boot(std::string id, Bytes map_size = mib(64)) {
  return {.map_size = map_size, .group = {}, .boot_id = std::move(id)};
}

unsigned mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

/// What `body` returned in a process of its own, which has not opened any database yet.
int in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("readers read without a writer, and change nothing", "[db]") {
  const TestDir dir;
  {
    Environment env = must(Environment::create(dir.path(), boot("b")));
    WriteTxn txn = must(env.write());
    fill_node(txn);
    must(std::move(txn).commit());
  }
  Environment reader = must(Environment::open_reader(dir.path()));
  CHECK(must(must(reader.read()).list<Cpu>()).size() == 4);
  CHECK(must(must(reader.read()).find_enclave("master")).has_value());
  const auto refused = reader.write();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::denied);
}

TEST_CASE("readers in other processes see each commit while the writer goes on", "[db]") {
  const TestDir dir;
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) ::_exit(2);
    const auto env = Environment::open_reader(dir.path());
    if (!env) ::_exit(3);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < limit) {
      const std::uint32_t seen = env->change_word().value();
      {
        const auto txn = env->read();
        if (!txn || !check(*txn).empty()) ::_exit(4);
        if (txn->find_enclave("e199").value_or(std::nullopt)) ::_exit(0);
      }
      if (!env->change_word().wait(seen, limit)) ::_exit(5);
    }
    ::_exit(6);
  }
  Environment env = must(Environment::create(dir.path(), boot("b")));
  {
    WriteTxn txn = must(env.write());
    fill_node(txn);
    must(std::move(txn).commit());
  }
  REQUIRE(::write(ready[1], "x", 1) == 1);
  for (int i = 0; i < 200; ++i) {
    WriteTxn txn = must(env.write());
    add_enclave(txn, "e" + std::to_string(i));
    must(std::move(txn).commit());
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a process opens a database once", "[db]") {
  const TestNode node;
  const auto twice = Environment::open_reader(node.dir.path());
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().code() == Code::busy);
}

TEST_CASE("a node has one writer", "[db]") {
  const TestDir dir;
  std::array<int, 2> ready{};
  std::array<int, 2> done{};
  REQUIRE(::pipe(ready.data()) == 0);
  REQUIRE(::pipe(done.data()) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    char byte = 0;
    ::close(done[1]);
    const auto env = Environment::create(dir.path(), boot("b"));
    if (!env || ::write(ready[1], "x", 1) != 1) ::_exit(1);
    (void)!::read(done[0], &byte, 1);  // until the test closes its end
    ::_exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  const auto second = Environment::create(dir.path(), boot("b"));
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code() == Code::busy);
  CHECK(second.error().text().find("another leviathan is running in") == 0);
  for (const int fd : {done[1], done[0], ready[0], ready[1]}) ::close(fd);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(must(must(must(Environment::create(dir.path(), boot("b"))).read()).meta()).instance == 2);
}

TEST_CASE("the database outlives its writer, not its boot", "[db]") {
  const TestDir dir;
  const auto open = [&](const char* boot_id) { return must(Environment::create(dir.path(), boot(boot_id))); };
  {
    Environment env = open("first");
    WriteTxn txn = must(env.write());
    fill_node(txn);
    must(std::move(txn).commit());
  }
  {
    const Environment env = open("first");
    CHECK(must(must(env.read()).list<Cpu>()).size() == 4);
    CHECK(must(must(env.read()).meta()).instance == 2);
  }
  const Environment env = open("second");
  CHECK(must(must(env.read()).list<Cpu>()).empty());
  CHECK(must(must(env.read()).meta()).instance == 1);
  CHECK(must(must(env.read()).meta()).boot_id == "second");
}

TEST_CASE("another schema is refused", "[db]") {
  const TestDir dir;
  {
    Environment env = must(Environment::create(dir.path(), boot("b")));
    WriteTxn txn = must(env.write());
    Meta meta = must(txn.meta());
    meta.schema = schema_version + 1;
    must(txn.put_meta(meta));
    must(std::move(txn).commit());
  }
  for (const bool writing : {true, false}) {
    const auto env = writing ? Environment::create(dir.path(), boot("b")) : Environment::open_reader(dir.path());
    REQUIRE_FALSE(env.has_value());
    CHECK(env.error().code() == Code::unsupported);
  }
}

TEST_CASE("where no leviathan ever ran there is no database to read", "[db]") {
  const TestDir dir;
  CHECK(Environment::open_reader(dir.path()).error().code() == Code::not_found);
  CHECK(Environment::open_reader(dir.path() / "nowhere").error().code() == Code::not_found);
  CHECK(Environment::create(dir.path() / "nowhere", boot("b")).error().code() == Code::not_found);
}

TEST_CASE("a reader needs the group and no more", "[db]") {
  const TestNode node;
  CHECK(mode_of(node.dir.path() / "resources.mdb") == 0640);
  CHECK(mode_of(node.dir.path() / "resources.mdb-lock") == 0660);
  CHECK(mode_of(node.dir.path() / "change") == 0640);
  CHECK(mode_of(node.dir.path() / "writer.lock") == 0600);
}

TEST_CASE("a member of the group reads, a stranger does not", "[db]") {
  if (::geteuid() != 0) {
    WARN("skipped: changing to another user needs root");
    return;
  }
  constexpr gid_t group = 54321;
  constexpr uid_t user = 54321;
  const TestDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  EnvironmentOptions options = boot("b");
  options.group = group;
  { const Environment env = must(Environment::create(dir.path(), options)); }
  const auto read_as = [&](gid_t gid) {
    return in_child([&] {
      if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(user) != 0) return 1;
      const auto env = Environment::open_reader(dir.path());
      if (!env) return env.error().code() == Code::denied ? 2 : 3;
      return env->read() ? 0 : 4;
    });
  };
  CHECK(read_as(group) == 0);
  CHECK(read_as(group + 1) == 2);
}

TEST_CASE("a full database refuses the change and stays as it was", "[db]") {
  const TestDir dir;
  Environment env = must(Environment::create(dir.path(), boot("b", mib(1))));
  std::optional<Error> error;
  std::size_t committed = 0;
  while (!error && committed < 1000) {
    WriteTxn txn = must(env.write());
    Enclave enclave = make_enclave(must(txn.next_id<Enclave>()), "e" + std::to_string(committed));
    enclave.descriptor = std::string(20'000, 'x');
    Status done = txn.put(enclave);
    if (done) done = std::move(txn).commit();
    if (done) {
      ++committed;
    } else {
      error = done.error();
    }
  }
  REQUIRE(error.has_value());
  CHECK(error->code() == Code::exhausted);
  CHECK(must(must(env.read()).list<Enclave>()).size() == committed);

  WriteTxn txn = must(env.write());
  CHECK(must(txn.erase<Enclave>(EnclaveId(1))));
  must(std::move(txn).commit());  // and there is room again
}

TEST_CASE("slots of readers that died are used again", "[db]") {
  const TestDir dir;
  { const Environment env = must(Environment::create(dir.path(), boot("b"))); }
  CHECK(in_child([&] {
          const auto env = Environment::open_reader(dir.path());
          if (!env) return 1;
          const auto txn = env->read();
          ::_exit(txn ? 0 : 2);  // without ending the transaction
        }) == 0);
  Environment env = must(Environment::open_reader(dir.path()));
  CHECK(must(env.clear_dead_readers()) <= 1);  // the first to open may have cleared it already
  CHECK(must(env.clear_dead_readers()) == 0);
}

TEST_CASE("many transactions may be open at once and end in any order", "[db]") {
  const TestNode node;
  std::vector<ReadTxn> txns;
  for (int i = 0; i < 40; ++i) txns.push_back(must(node.env.read()));
  for (std::size_t i = 0; i < txns.size(); i += 2) txns[i] = must(node.env.read());
  for (const ReadTxn& txn : txns) CHECK(must(txn.list<Cpu>()).size() == 4);
}
