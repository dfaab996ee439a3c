// SPDX-License-Identifier: Apache-2.0
#include "shell/script.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "base/test_dir.hpp"
#include "base/unique_fd.hpp"
#include "shell/fake_client.hpp"
#include "shell/line_reader.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {
namespace {

UniqueFd file_with(std::string_view text) {
  UniqueFd file(memfd_create("script", MFD_CLOEXEC));
  REQUIRE(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(lseek(file.get(), 0, SEEK_SET) == 0);
  return file;
}

Outcome run_text(std::string_view text, bool keep_going = false,
                 const std::function<void(FakeClient&)>& prepare = {}) {
  fake_client() = FakeClient();
  if (prepare) prepare(fake_client());
  std::ostringstream out, err;
  Shell shell(out, err);
  const int status = run_script(shell, file_with(text).get(), "s", keep_going);
  return {status, out.str(), err.str()};
}

std::size_t count_of(const std::string& request) {
  return static_cast<std::size_t>(std::ranges::count(fake_client().requests, request));
}

TEST_CASE("a script runs its lines in order, over one connection") {
  const auto outcome = run_text("# one\n\ndestroy_enclave a\n  destroy_enclave 'b c'  # another\ndestroy_enclave d");
  CHECK(outcome.status == 0);
  CHECK(outcome.err == "");
  CHECK(fake_client().requests == std::vector<std::string>{"open /default", "destroy a", "destroy b c", "destroy d"});
}

TEST_CASE("a script stops at the first command that fails, with its status and the line it stands on") {
  const auto refuse = [](FakeClient& fake) { fake.failure = Error(Code::not_found, "enclave 'a': there is none"); };
  auto outcome = run_text("# one\ndestroy_enclave a\ndestroy_enclave b\n", false, refuse);
  CHECK(outcome.status == 1);
  CHECK(outcome.err == "hobbes: s:2: enclave 'a': there is none\n");
  CHECK(count_of("destroy b") == 0);

  outcome = run_text("destroy_enclav a\ndestroy_enclave b\n");
  CHECK(outcome.status == 2);
  CHECK(outcome.err ==
        "hobbes: s:1: unknown command 'destroy_enclav', did you mean 'destroy_enclave'?\nTry 'hobbes help'.\n");

  outcome = run_text("destroy_enclave 'a\ndestroy_enclave b\n");
  CHECK(outcome.status == 2);
  CHECK(outcome.err == "hobbes: s:1: the line: the quote ' is never closed\n");
  CHECK(fake_client().requests.empty());
}

TEST_CASE("a script says where the program was that failed") {
  const auto fail = [](FakeClient& fake) { fake.end.exit_code = 7; };
  const auto outcome = run_text("list_apps\nlaunch_app a prog\n", false, fail);
  CHECK(outcome.status == 7);
  CHECK(outcome.err ==
        "hobbes: s:1: leviathan is not running: this is the last known state\n"
        "hobbes: s:2: launch_app: ended with status 7\n");
}

TEST_CASE("a script that keeps going runs everything and returns the first failure") {
  const auto fail = [](FakeClient& fake) { fake.end.exit_code = 7; };
  const auto outcome = run_text("launch_app a prog\nfrobnicate\ndestroy_enclave b\n", true, fail);
  CHECK(outcome.status == 7);
  CHECK(count_of("destroy b") == 1);
}

TEST_CASE("a script that was interrupted does not keep going") {
  const auto interrupt = [](FakeClient& fake) { fake.end.signal = SIGINT; };
  CHECK(run_text("launch_app a prog\ndestroy_enclave b\n", true, interrupt).status == 130);
  CHECK(count_of("destroy b") == 0);
}

TEST_CASE("exit ends a script with the status it names") {
  CHECK(run_text("exit\ndestroy_enclave b\n").status == 0);
  const auto outcome = run_text("exit 3\ndestroy_enclave b\n");
  CHECK(outcome.status == 3);
  CHECK(outcome.err == "");
  CHECK(fake_client().requests.empty());
  CHECK(run_text("exit 256\n").status == 2);
}

TEST_CASE("a run directory behind a command is that command's alone") {
  run_text("list_apps --run-dir /x\nlist_apps\n");
  CHECK(fake_client().requests == std::vector<std::string>{"open /x", "open /default"});
}

TEST_CASE("a script file is named as it was given; one that is not there is named, too") {
  const TestDir dir;
  const std::string path = dir.path() / "s.hob";
  std::ofstream(path) << "#!/usr/bin/env -S hobbes -f\ndestroy_enclave\n";
  const auto outcome = run_shell({"-f", path});
  CHECK(outcome.status == 2);
  CHECK(outcome.err ==
        "hobbes: " + path + ":2: destroy_enclave: missing <enclave>\nTry 'hobbes help destroy_enclave'.\n");
  CHECK(run_shell({"-f", path + "x"}).err == "hobbes: " + path + "x: No such file or directory\n");
  CHECK(run_shell({"-f", dir.path()}).err == "hobbes: " + dir.path().string() + ": Is a directory\n");
}

TEST_CASE("a script and a command exclude each other") {
  CHECK(run_shell({"-f", "x", "list_apps"}).status == 2);
  CHECK(run_shell({"-k", "list_apps"}).status == 2);
  CHECK(fake_client().requests.empty());
}

TEST_CASE("a reader of lines leaves the rest for others") {
  const auto file = file_with("one\n\ntwo");
  LineReader lines(file.get(), "s");
  CHECK(**lines.next() == "one");
  CHECK(lseek(file.get(), 0, SEEK_CUR) == 4);
  CHECK(**lines.next() == "");
  CHECK(**lines.next() == "two");
  CHECK_FALSE(lines.next()->has_value());
}

TEST_CASE("a line without an end is no script") {
  const auto file = file_with(std::string(LineReader::max_length + 1, 'x'));
  CHECK(LineReader(file.get(), "s").next().error().text() == "s: a line is longer than 1 MiB: not a script");
}

}  // namespace
}  // namespace hobbes::shell
