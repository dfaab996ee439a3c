// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "shell/fake_client.hpp"

namespace hobbes::shell {
namespace {

bool has_variable(const std::string& variable) {
  const auto& env = fake_client().launched.env;
  return std::count(env.begin(), env.end(), variable) == 1;
}

TEST_CASE("a launched program inherits the shell's directory, umask and environment") {
  const auto outcome = run_shell({"launch_app", "kitten", "/bin/ls", "-l"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out == "");
  const auto& spec = fake_client().launched;
  CHECK(spec.enclave == "kitten");
  CHECK(spec.path == "/bin/ls");
  CHECK(spec.args == std::vector<std::string>{"/bin/ls", "-l"});
  CHECK(spec.cwd == std::filesystem::current_path());
  CHECK(spec.name.empty());
  CHECK(spec.rewrite);
  CHECK_FALSE(spec.detach);
  CHECK(has_variable("PATH=" + std::string(getenv("PATH"))));
}

TEST_CASE("launch options are passed on") {
  run_shell({"launch_app", "kitten", "-np", "2", "--cpulist", "0,1", "--name", "job", "--envp", "A=1  B=2",
             "--heap_size", "64", "--stack_size", "512K", "--use-large-pages", "--hpmmap", "--no-rewrite", "--", "prog",
             "--name", "x"});
  const auto& spec = fake_client().launched;
  CHECK(spec.ranks == 2);
  CHECK(spec.cpu_list == "0,1");
  CHECK(spec.name == "job");
  CHECK(has_variable("A=1"));
  CHECK(has_variable("B=2"));
  CHECK(spec.heap_size == mib(64));
  CHECK(spec.stack_size == kib(512));
  CHECK(spec.large_pages);
  CHECK(spec.hpmmap);
  CHECK_FALSE(spec.rewrite);
  CHECK(spec.args == std::vector<std::string>{"prog", "--name", "x"});
}

TEST_CASE("--envp replaces an inherited variable") {
  setenv("HOBBES_SHELL_TEST", "old", 1);
  run_shell({"launch_app", "kitten", "--envp", "HOBBES_SHELL_TEST=new", "prog"});
  unsetenv("HOBBES_SHELL_TEST");
  CHECK(has_variable("HOBBES_SHELL_TEST=new"));
  CHECK_FALSE(has_variable("HOBBES_SHELL_TEST=old"));
}

TEST_CASE("options win over the descriptor") {
  std::string path = std::filesystem::temp_directory_path() / "hobbes-app-XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path) << "<app/>";
  run_shell({"launch_app", "kitten", "-f", path});
  CHECK(fake_client().launched.path == "<app/>");
  CHECK(fake_client().launched.name == "from descriptor");
  run_shell({"launch_app", "kitten", "--name", "mine", "-f", path});
  CHECK(fake_client().launched.name == "mine");
  CHECK(run_shell({"launch_app", "kitten", "-f", path, "prog"}).status == 2);
  unlink(path.c_str());
}

TEST_CASE("a launch that says nothing to launch, or nonsense, is a usage error") {
  CHECK(run_shell({"launch_app", "kitten"}).err ==
        "hobbes: launch_app: a program, or a descriptor after -f, is missing\nTry 'hobbes help launch_app'.\n");
  CHECK(run_shell({"launch_app", "kitten", "--envp", "A", "prog"}).status == 2);
  CHECK(run_shell({"launch_app", "kitten", "-np", "0", "prog"}).status == 2);
  CHECK(run_shell({"launch_app", "kitten", "--with-hio", "stub", "prog"}).err ==
        "hobbes: launch_app: unknown option '--with-hio'\nTry 'hobbes help launch_app'.\n");
  CHECK(fake_client().requests.empty());
}

TEST_CASE("the exit status is the program's") {
  CHECK(run_shell({"launch_app", "kitten", "p"}, [](FakeClient& fake) { fake.end.exit_code = 42; }).status == 42);
  CHECK(run_shell({"launch_app", "kitten", "p"}, [](FakeClient& fake) { fake.end.signal = SIGKILL; }).status == 137);
}

TEST_CASE("a detached launch prints the number and does not wait") {
  const auto outcome = run_shell({"launch_app", "-d", "kitten", "prog"});
  CHECK(outcome.out == "Launched application 7\n");
  CHECK(fake_client().launched.detach);
  CHECK(fake_client().requests.back() == "launch kitten prog");
}

TEST_CASE("signals to the shell reach the program, and a second Ctrl-C kills it") {
  const auto outcome = run_shell({"launch_app", "kitten", "p"}, [](FakeClient& fake) {
    fake.signals_while_waiting = {SIGTERM, SIGINT, SIGHUP, SIGINT};
    fake.end.signal = SIGKILL;
  });
  CHECK(outcome.status == 128 + SIGKILL);
  const auto& requests = fake_client().requests;
  REQUIRE(requests.size() == 7);
  CHECK(std::vector(requests.begin() + 2, requests.end() - 1) ==
        std::vector<std::string>{"kill 7 15", "kill 7 2", "kill 7 1", "kill 7 9"});
}

}  // namespace
}  // namespace hobbes::shell
