// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "base/test_dir.hpp"

namespace hobbes {
namespace {

using Catch::Contains;

/// A shell in a session of its own that writes what it is asked for to its descriptor 3.
struct Shell {
  TestDir dir;
  UniqueFd output{::open((dir.path() / "output").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};

  UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};

  [[nodiscard]] SpawnSpec spec(const std::string& script) const {
    return {.program = "/bin/sh",
            .args = {"sh", "-c", script},
            .env = {},
            .fds = {null.get(), null.get(), null.get(), output.get()},
            .new_session = true};
  }
  [[nodiscard]] std::string text() const {
    std::ifstream stream(dir.path() / "output");
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  /// Runs the script to its end; its exit status.
  [[nodiscard]] int run(const SpawnSpec& spec) const {
    const Child child = spawn(spec).value();
    int status = 0;
    REQUIRE(::waitpid(child.pid, &status, 0) == child.pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

}  // namespace

TEST_CASE("a spawned program has the descriptor it was given, at its number, and no other", "[spawn]") {
  const Shell shell;
  const UniqueFd leaked(::dup(STDERR_FILENO));  // without close-on-exec: spawn() must close it itself
  CHECK(shell.run(shell.spec("exec ls /proc/self/fd >&3")) == 0);
  CHECK(shell.text() == "0\n1\n2\n3\n4\n");  // 4 is the directory that ls reads
}

TEST_CASE("a spawned program starts afresh: session, signals, environment", "[spawn]") {
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

TEST_CASE("a spawned program gets no new privileges, where that is asked for", "[spawn]") {
  const Shell shell;
  const std::string look = "while read -r key value; do [ $key = NoNewPrivs: ] && exit $value; done < /proc/$$/status";
  SpawnSpec spec = shell.spec(look);
  const int ours = shell.run(spec);
  spec.no_new_privileges = true;
  CHECK(shell.run(spec) == 1);
  CHECK(ours != -1);
}

TEST_CASE("a step that fails is named, and no process is left", "[spawn]") {
  const Shell shell;
  SpawnSpec spec = shell.spec("true");
  SECTION("a program that cannot be executed") {
    spec.program = shell.dir.path() / "output";
    CHECK_THAT(spawn(spec).error().text(), Contains("output': Permission denied"));
  }
  SECTION("a program that is not there") {
    spec.program = "/nonexistent";
    CHECK_THAT(spawn(spec).error().text(), Contains("'/nonexistent': No such file"));
  }
  SECTION("a directory that is not there") {
    spec.cwd = "/nonexistent";
    CHECK_THAT(spawn(spec).error().text(), Contains("'/nonexistent': No such file"));
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

}  // namespace hobbes
