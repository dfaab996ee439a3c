// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/spawn.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "kernel-bridge/hosted/process.hpp"
#include "base/test_dir.hpp"

namespace hobbes::bridge {
namespace {

using Catch::Contains;

struct Shell {
  TestDir dir;
  UniqueFd log{::open((dir.path() / "log").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
  UniqueFd identity{::open((dir.path() / "identity").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};

  [[nodiscard]] SpawnSpec spec(const std::string& script) const {
    SpawnSpec spec;
    spec.program = "/bin/sh";
    spec.args = {"sh", "-c", script};
    spec.log = log.get();
    spec.identity = identity.get();
    spec.cpus = {CpuId(0)};
    return spec;
  }
  [[nodiscard]] std::string text(const char* file) const {
    std::ifstream stream(dir.path() / file);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  /// Runs the script to its end; its exit status.
  [[nodiscard]] int run(const SpawnSpec& spec) const {
    const Spawned spawned = spawn(spec).value();
    int status = 0;
    REQUIRE(::waitpid(spawned.pid, &status, 0) == spawned.pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

}  // namespace

TEST_CASE("a spawned program has the descriptors it was given, at their numbers, and no others", "[hosted]") {
  const Shell shell;
  int pipe_fds[2];
  REQUIRE(::pipe(pipe_fds) == 0);  // without close-on-exec: spawn() must close them itself
  const UniqueFd read_end(pipe_fds[0]), write_end(pipe_fds[1]);
  SpawnSpec spec = shell.spec("echo here >&4; exec ls /proc/self/fd >&2");
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  // Numbers that collide with the places they go to, crosswise.
  spec.fds = {null.get(), write_end.get()};
  CHECK(shell.run(spec) == 0);
  char line[5] = {};
  CHECK(::read(read_end.get(), line, sizeof line) == 5);
  CHECK(std::string_view(line, 4) == "here");
  CHECK(shell.text("log") == "0\n1\n2\n3\n4\n5\n");  // 5 is the directory that ls reads
}

TEST_CASE("a spawned program starts afresh: session, signals, environment", "[hosted]") {
  const Shell shell;
  std::signal(SIGPIPE, SIG_IGN);
  CHECK(shell.run(shell.spec("[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] || exit 1;"
                             "grep -q 'SigIgn:.0000000000000000' /proc/$$/status || exit 2;"
                             "grep -q 'SigBlk:.0000000000000000' /proc/$$/status || exit 3;"
                             "[ -z \"$HOME\" ] || exit 4")) == 0);
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("a spawned process has left its identity before it executes", "[hosted]") {
  const Shell shell;
  const Spawned spawned = spawn(shell.spec("read never")).value();
  const ProcessId left = identify(std::string_view(shell.text("identity"))).value();
  CHECK(left == identify(spawned.pid).value());
  ::waitpid(spawned.pid, nullptr, 0);
}

TEST_CASE("a step that fails is named, and no process is left", "[hosted]") {
  const Shell shell;
  SpawnSpec spec = shell.spec("true");
  SECTION("a program that cannot be executed") {
    spec.program = shell.dir.path() / "log";
    CHECK_THAT(spawn(spec).error().text(), Contains("execute: Permission denied"));
  }
  SECTION("a program that is not there") {
    spec.program = "/nonexistent";
    CHECK_THAT(spawn(spec).error().text(), Contains("/nonexistent: No such file"));
  }
  SECTION("a CPU that is not there") {
    spec.cpus = {CpuId(65000)};
    CHECK_THAT(spawn(spec).error().text(), Contains("run on its CPUs: Invalid argument"));
  }
  SECTION("no CPU at all") {
    spec.cpus.clear();
    CHECK_THAT(spawn(spec).error().text(), Contains("run on its CPUs"));
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

}  // namespace hobbes::bridge
