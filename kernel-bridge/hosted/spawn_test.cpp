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

/// A shell that writes what it is asked for to its only descriptor.
struct Shell {
  TestDir dir;
  UniqueFd output{::open((dir.path() / "output").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};

  [[nodiscard]] SpawnSpec spec(const std::string& script) const { return {"/bin/sh", {"sh", "-c", script}, output.get()}; }
  [[nodiscard]] std::string text() const {
    std::ifstream stream(dir.path() / "output");
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

TEST_CASE("a spawned program has the descriptor it was given, at its number, and no other", "[hosted]") {
  const Shell shell;
  const UniqueFd leaked(::dup(STDERR_FILENO));  // without close-on-exec: spawn() must close it itself
  CHECK(shell.run(shell.spec("exec ls /proc/self/fd >&3")) == 0);
  CHECK(shell.text() == "0\n1\n2\n3\n4\n");  // 4 is the directory that ls reads
}

TEST_CASE("a spawned program starts afresh: session, signals, environment", "[hosted]") {
  const Shell shell;
  std::signal(SIGPIPE, SIG_IGN);
  CHECK(shell.run(shell.spec("[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] || exit 1;"
                             // Without another program: while the shell starts one it blocks signals itself.
                             "while read -r key value; do"
                             "  case $key in SigIgn:) ignored=$value ;; SigBlk:) blocked=$value ;; esac;"
                             "done < /proc/$$/status;"
                             "[ \"$ignored\" = 0000000000000000 ] || exit 2;"
                             "[ \"$blocked\" = 0000000000000000 ] || exit 3;"
                             "[ -z \"$HOME\" ] || exit 4")) == 0);
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("a step that fails is named, and no process is left", "[hosted]") {
  const Shell shell;
  SpawnSpec spec = shell.spec("true");
  SECTION("a program that cannot be executed") {
    spec.program = shell.dir.path() / "output";
    CHECK_THAT(spawn(spec).error().text(), Contains("execute: Permission denied"));
  }
  SECTION("a program that is not there") {
    spec.program = "/nonexistent";
    CHECK_THAT(spawn(spec).error().text(), Contains("/nonexistent: execute: No such file"));
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

}  // namespace hobbes::bridge
