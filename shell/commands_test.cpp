// SPDX-License-Identifier: Apache-2.0
// What each command asks of the client, and what it prints.
#include <catch2/catch.hpp>

#include <csignal>

#include "shell/fake_client.hpp"

namespace hobbes::shell {
namespace {

/// The last request of `hobbes words...`, which has to succeed.
std::string request(const std::vector<std::string>& words) {
  const auto outcome = run_shell(words);
  CHECK(outcome.err == "");
  CHECK(outcome.status == 0);
  return fake_client().requests.empty() ? "" : fake_client().requests.back();
}

TEST_CASE("enclave commands") {
  CHECK(request({"destroy_enclave", "kitten"}) == "destroy kitten");
  CHECK(request({"dump_cmd_queue", "kitten"}) == "dump kitten");
  CHECK(request({"console", "kitten"}) == "console kitten 0 1 type on");
  CHECK(request({"console", "--dump", "kitten"}) == "console kitten -1 1 watch so far");
  CHECK(run_shell({"console", "-d", "-r", "kitten"}).status == 2);
  CHECK(request({"console", "--read-only", "kitten"}) == "console kitten 0 1 watch on");
}

TEST_CASE("resource commands") {
  CHECK(request({"assign_memory", "kitten", "256"}) == "assign_memory kitten 268435456 -1 0");
  CHECK(request({"assign_memory", "-n", "1", "-c", "kitten", "1G"}) == "assign_memory kitten 1073741824 1 1");
  CHECK(request({"remove_memory", "kitten", "64M"}) == "remove_memory kitten 67108864 -1");
  CHECK(request({"assign_cpus", "kitten", "2"}) == "assign_cpus kitten 2 -1");
  CHECK(request({"assign_cpus", "-n", "0", "kitten", "2"}) == "assign_cpus kitten 2 0");
  CHECK(request({"assign_cpus", "kitten", "--cpulist", "1,3-4"}) == "assign_cpus kitten list 1,3-4");
  CHECK(request({"remove_cpus", "kitten", "1"}) == "remove_cpus kitten 1");
  CHECK(request({"remove_cpus", "--cpulist=2", "kitten"}) == "remove_cpus kitten list 2");
  CHECK(request({"assign_pci", "kitten", "nic0", "00:12.0"}) == "assign_pci kitten nic0 00:12.0");
  CHECK(request({"remove_pci", "kitten", "nic0"}) == "remove_pci kitten nic0");
}

TEST_CASE("file commands work on the shell's own stdin and stdout") {
  CHECK(request({"cat_file", "kitten", "/etc/motd"}) == "cat_file kitten /etc/motd 1");
  CHECK(request({"cat_into_file", "kitten", "/tmp/x"}) == "cat_into_file kitten /tmp/x 0 0 -1");
  CHECK(request({"cat_into_file", "kitten", "/tmp/x", "--append"}) == "cat_into_file kitten /tmp/x 0 1 -1");
  CHECK(request({"cat_into_file", "kitten", "/enclave/x", "--mode", "755"}) == "cat_into_file kitten /enclave/x 0 0 493");
}

TEST_CASE("signals are given by name or number") {
  CHECK(request({"kill_app", "job"}) == "kill 7 15");
  CHECK(request({"kill_app", "-s", "KILL", "job"}) == "kill 7 9");
  CHECK(request({"kill_app", "-s", "10", "7"}) == "kill 7 10");
}

TEST_CASE("system calls are counted for an enclave by its name and for an application by name or number") {
  const auto with_kitten = [](FakeClient& fake) {
    fake.enclaves.rows.emplace_back();
    fake.enclaves.rows.back().name = "kitten";
  };
  run_shell({"syscalls", "kitten"}, with_kitten);
  CHECK(fake_client().requests.back() == "calls of enclave kitten");
  run_shell({"syscalls", "job"}, with_kitten);
  CHECK(fake_client().requests.back() == "calls of application 7");
  CHECK(run_shell({"syscalls", "--sort", "colour", "job"}).status == 2);
}

TEST_CASE("system calls are shown by count, unless another order is asked for") {
  using std::chrono::nanoseconds;
  const auto some_calls = [](FakeClient& fake) {
    fake.calls.trapped = 12;
    fake.calls.rows = {{.number = 0, .name = "read", .calls = 3, .errors = 1, .host = 2, .mean_time = nanoseconds(20500)},
                       {.number = 39, .name = "getpid", .calls = 40, .mean_time = nanoseconds(30)},
                       {.number = 599, .name = "", .implemented = false, .calls = 2, .errors = 2, .mean_time = {}}};
  };
  const auto outcome = run_shell({"syscalls", "job"}, some_calls);
  CHECK(outcome.out ==
        "------------------------------------------------------------\n"
        "| Number | Call   | Calls | Errors | Served by | Mean time |\n"
        "------------------------------------------------------------\n"
        "| 39     | getpid | 40    | 0      | co-kernel | 30 ns     |\n"
        "| 0      | read   | 3     | 1      | host 2    | 20.5 us   |\n"
        "| 599    | -      | 2     | 2      | nobody    | -         |\n"
        "------------------------------------------------------------\n"
        "Calls that trapped : 12\n"
        "Sites rewritten    : 0\n"
        "Sites left trapping: 0\n"
        "Requests to host   : 0\n"
        "Unimplemented      : 599 ? x 2\n");
  CHECK_THAT(run_shell({"syscalls", "--sort", "time", "-n", "1", "job"}, some_calls).out, Catch::Contains("| read "));
  CHECK_THAT(run_shell({"syscalls", "-n", "1", "job"}, some_calls).out, !Catch::Contains("| read "));
  CHECK_THAT(run_shell({"syscalls", "--json", "job"}, some_calls).out, Catch::Contains("\"mean_ns\": 20500"));
}

TEST_CASE("a ping prints the original's lines and statistics") {
  const auto outcome = run_shell({"ping_enclave", "-c", "3", "-s", "64", "kitten"});
  CHECK(outcome.status == 0);
  CHECK(fake_client().requests.back() == "ping kitten 64");
  CHECK(outcome.out ==
        "master: ping\n"
        "kitten: pong\n"
        "Ping Latency  : 0.000002 s (min 1.0 us, median 2.0 us, max 3.0 us; 3 x 64 bytes)\n");
}

TEST_CASE("check_db fails when there are problems") {
  CHECK(run_shell({"check_db"}).out == "The database is consistent\n");
  const auto outcome = run_shell({"check_db"}, [](FakeClient& fake) { fake.problems = {"CPU 3: two owners"}; });
  CHECK(outcome.status == 1);
  CHECK(outcome.out == "CPU 3: two owners\n");
}

TEST_CASE("wait_app exits as the application did") {
  CHECK(run_shell({"wait_app", "job"}, [](FakeClient& fake) { fake.end.exit_code = 3; }).status == 3);
  CHECK(run_shell({"wait_app", "job"}, [](FakeClient& fake) { fake.end.signal = SIGSEGV; }).status == 128 + SIGSEGV);
}

TEST_CASE("a refusal of leviathan is one sentence on stderr and exit status 1") {
  const auto outcome = run_shell({"destroy_enclave", "kitten"}, [](FakeClient& fake) {
    fake.failure = Error(Code::not_found, "enclave 'kitten': there is none of that name");
  });
  CHECK(outcome.status == 1);
  CHECK(outcome.out == "");
  CHECK(outcome.err == "hobbes: enclave 'kitten': there is none of that name\n");
}

TEST_CASE("a count and a list of CPUs exclude each other") {
  CHECK(run_shell({"assign_cpus", "kitten"}).status == 2);
  CHECK(run_shell({"assign_cpus", "kitten", "1", "--cpulist", "2"}).status == 2);
  CHECK(run_shell({"assign_cpus", "-n", "0", "kitten", "--cpulist", "2"}).status == 2);
  CHECK(fake_client().requests.empty());
}

TEST_CASE("a descriptor that is not there is named") {
  const auto outcome = run_shell({"create_enclave", "/nonexistent/kitten.xml"});
  CHECK(outcome.status == 1);
  CHECK(outcome.err == "hobbes: /nonexistent/kitten.xml: No such file or directory\n");
  CHECK(run_shell({"create_enclave", "/"}).err == "hobbes: /: Is a directory\n");
}

}  // namespace
}  // namespace hobbes::shell
