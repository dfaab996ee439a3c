// SPDX-License-Identifier: Apache-2.0
// A writer that is killed leaves a sound database, with either nothing of an operation or its journal entry. The
// writer is a child process that creates and destroys an enclave; it kills itself at a given step, or is killed by the
// parent at any instruction.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "db/events.hpp"
#include "db/operations.hpp"
#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

const EnvironmentOptions options{.map_size = mib(64), .group = {}, .boot_id = "b"};

/// Counts the steps of a life cycle; at the chosen one the process ends as if by `kill -9`.
class Steps {
 public:
  explicit Steps(int deadly) : deadly_(deadly) {}
  void step() {
    if (++taken_ == deadly_) ::kill(::getpid(), SIGKILL);
  }
  [[nodiscard]] int taken() const { return taken_; }

 private:
  int deadly_;
  int taken_ = 0;
};

Status commit_with_event(WriteTxn txn, EventKind what, EnclaveId id, Steps& steps) {
  Event event;
  event.what = what;
  event.object = ObjectKind::enclave;
  event.id = id.value;
  TRY(append_event(txn, event));
  steps.step();
  TRY(std::move(txn).commit());
  steps.step();
  return {};
}

Status create_enclave(Environment& env, Steps& steps) {
  WriteTxn first = TRY(env.write());
  const EnclaveId id = TRY(first.next_id<Enclave>());
  Enclave enclave = make_enclave(id, "a");
  TRY(first.put(enclave));
  steps.step();
  OperationRequest request;
  request.what = OperationKind::create_enclave;
  request.enclave = id;
  request.assign = {.cpus = {{CpuId(0), 0}, {CpuId(1), 0}}, .blocks = {PhysAddr(block)}, .devices = {}};
  const Operation operation = TRY(begin_operation(first, request));
  TRY(commit_with_event(std::move(first), EventKind::created, id, steps));

  WriteTxn progress = TRY(env.write());
  TRY(advance_operation(progress, operation.id, 1));
  TRY(std::move(progress).commit());
  steps.step();

  WriteTxn second = TRY(env.write());
  TRY(commit_operation(second, operation.id));
  steps.step();
  enclave.state = EnclaveState::running;
  TRY(second.put(enclave));
  return commit_with_event(std::move(second), EventKind::state, id, steps);
}

Status destroy_enclave(Environment& env, Steps& steps) {
  WriteTxn first = TRY(env.write());
  const auto enclave = TRY(first.find_enclave("a"));
  if (!enclave) return Error(Code::not_found, "enclave 'a'");
  const EnclaveId id = enclave->id;
  OperationRequest request;
  request.what = OperationKind::destroy_enclave;
  request.enclave = id;
  request.release = TRY(resources_of(first, id));
  const Operation operation = TRY(begin_operation(first, request));
  steps.step();
  TRY(std::move(first).commit());
  steps.step();

  WriteTxn second = TRY(env.write());
  TRY(commit_operation(second, operation.id));
  steps.step();
  TRY(second.erase<Enclave>(id));
  return commit_with_event(std::move(second), EventKind::destroyed, id, steps);
}

Status life(Environment& env, Steps& steps) {
  TRY(create_enclave(env, steps));
  return destroy_enclave(env, steps);
}

void make_node(const TestDir& dir) {
  Environment env = must(Environment::create(dir.path(), options));
  WriteTxn txn = must(env.write());
  fill_node(txn);
  must(std::move(txn).commit());
}

/// What the next leviathan finds: a sound database, and an enclave that is whole, pending or absent; and what it does.
void recover(const TestDir& dir) {
  Environment env = must(Environment::create(dir.path(), options));
  CHECK(check(must(env.read())) == Problems{});
  WriteTxn txn = must(env.write());
  const auto pending = must(pending_operations(txn));
  const auto enclave = must(txn.find_enclave("a"));
  const std::size_t allocated = must(txn.list_by_state<Cpu>(ResourceState::allocated)).size();
  const std::size_t reserved = must(txn.list_by_state<Cpu>(ResourceState::reserved)).size();
  CHECK(pending.size() <= 1);
  CHECK(reserved == (pending.empty() ? 0 : 2));
  CHECK(allocated == (enclave && pending.empty() ? 2 : 0));

  for (const Operation& operation : pending) {
    if (operation.what == OperationKind::create_enclave) {
      must(abort_operation(txn, operation.id));
    } else {
      must(commit_operation(txn, operation.id));
    }
    must(txn.erase<Enclave>(operation.enclave));
  }
  CHECK(check(txn) == Problems{});
  must(std::move(txn).commit());

  Steps unharmed(0);
  if (must(must(env.read()).find_enclave("a"))) must(destroy_enclave(env, unharmed));
  CHECK(must(must(env.read()).list_by_state<Cpu>(ResourceState::free)).size() == 4);
  CHECK(must(must(env.read()).list_by_state<MemoryBlock>(ResourceState::free)).size() == 4);
  CHECK(check(must(env.read())) == Problems{});
}

bool was_killed(pid_t pid) {
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace

TEST_CASE("a writer killed at any step leaves a sound database", "[db][crash]") {
  const TestDir dir;
  make_node(dir);
  int steps = 0;
  {
    Environment env = must(Environment::create(dir.path(), options));
    Steps counted(0);
    must(life(env, counted));
    steps = counted.taken();
  }
  REQUIRE(steps >= 10);
  for (int deadly = 1; deadly <= steps; ++deadly) {
    INFO("killed at step " << deadly);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto env = Environment::create(dir.path(), options);
      Steps mortal(deadly);
      if (env) (void)life(*env, mortal);
      ::_exit(1);
    }
    REQUIRE(was_killed(pid));
    recover(dir);
  }
}

TEST_CASE("a writer killed at any instruction leaves a sound database", "[db][crash]") {
  constexpr int kills = 60;
  std::mt19937 random(7);
  const TestDir dir;
  make_node(dir);
  for (int kill = 0; kill < kills; ++kill) {
    std::array<int, 2> progress{};
    REQUIRE(::pipe(progress.data()) == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto env = Environment::create(dir.path(), options);
      Steps immortal(0);
      while (env && life(*env, immortal) && ::write(progress[1], "x", 1) == 1) {
      }
      ::_exit(1);
    }
    // Some lives, then some turns of the processor: the child is anywhere by then.
    char byte = 0;
    for (int lives = static_cast<int>(random() % 4); lives >= 0; --lives) REQUIRE(::read(progress[0], &byte, 1) == 1);
    for (volatile unsigned long turns = random() % 100'000; turns > 0;) turns = turns - 1;
    ::kill(pid, SIGKILL);
    REQUIRE(was_killed(pid));
    ::close(progress[0]);
    ::close(progress[1]);
    recover(dir);
  }
}
