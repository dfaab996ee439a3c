// SPDX-License-Identifier: Apache-2.0
#include "shell/listing.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sstream>

#include "shell/fake_client.hpp"

namespace hobbes::shell {
namespace {

void two_enclaves(FakeClient& fake) {
  client::EnclaveRow master{.id = EnclaveId(0), .name = "master", .type = "MASTER_ENCLAVE", .state = "Running",
                            .bridge = "", .reason = "", .parent = {}, .cpus = 1, .memory = Bytes(0)};
  client::EnclaveRow kitten{.id = EnclaveId(3), .name = "kitten", .type = "PISCES_ENCLAVE", .state = "Crashed",
                            .bridge = "hosted", .reason = "killed by SIGKILL", .parent = EnclaveId(0), .cpus = 2,
                            .memory = mib(256)};
  fake.enclaves.rows = {master, kitten};
  fake.enclaves.live = true;
}

TEST_CASE("list_enclaves prints the original's columns, then ours") {
  const auto outcome = run_shell({"list_enclaves"}, two_enclaves);
  CHECK(outcome.err == "");
  CHECK(outcome.out ==
        "2 Active Enclaves:\n"
        "-------------------------------------------------------------------------------------------------------\n"
        "| ID | Enclave name | Type           | State   | Bridge | Parent | CPUs | Memory  | Reason            |\n"
        "-------------------------------------------------------------------------------------------------------\n"
        "| 0  | master       | MASTER_ENCLAVE | Running | -      | -      | 1    | 0       | -                 |\n"
        "| 3  | kitten       | PISCES_ENCLAVE | Crashed | hosted | 0      | 2    | 256 MiB | killed by SIGKILL |\n"
        "-------------------------------------------------------------------------------------------------------\n");
}

TEST_CASE("list_enclaves --json is an object a program can read") {
  const auto json = Json::parse(run_shell({"list_enclaves", "--json"}, two_enclaves).out);
  CHECK(json["live"] == true);
  REQUIRE(json["enclaves"].size() == 2);
  CHECK(json["enclaves"][0]["parent"].is_null());
  CHECK(json["enclaves"][1]["name"] == "kitten");
  CHECK(json["enclaves"][1]["memory"] == 268435456);
  CHECK(json["enclaves"][1]["parent"] == 0);
}

TEST_CASE("a listing without leviathan says that it is the last known state") {
  const auto outcome = run_shell({"list_apps"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out == "0 Applications\n");
  CHECK(outcome.err == "hobbes: leviathan is not running: this is the last known state\n");
  CHECK(Json::parse(run_shell({"list_apps", "--json"}).out) == Json{{"live", false}, {"applications", Json::array()}});
}

TEST_CASE("list_apps shows how an application ended") {
  const auto outcome = run_shell({"list_apps"}, [](FakeClient& fake) {
    fake.apps.live = true;
    client::AppRow row{.id = AppId(5), .hio_id = -1, .enclave = EnclaveId(3), .enclave_name = "kitten", .name = "job",
                       .state = "Crashed", .exit_code = {}, .signal = SIGSEGV};
    fake.apps.rows = {row};
  });
  CHECK_THAT(outcome.out, Catch::StartsWith("1 Application\n"));
  CHECK_THAT(outcome.out, Catch::Contains("| HPID | HIOPID | Enclave | Application | State   | Exit | Signal  |"));
  CHECK_THAT(outcome.out, Catch::Contains("| 5    | -1     | kitten  | job         | Crashed | -    | SIGSEGV |"));
}

TEST_CASE("list_apps says what applications cost, if it is asked to") {
  const auto one_app = [](FakeClient& fake) {
    fake.apps.live = true;
    fake.apps.rows.emplace_back();
    fake.calls.rows.resize(2);
    fake.calls.rows[0].calls = 7;
    fake.calls.rows[1].calls = 4;
    fake.calls.linux_calls = 3;
    fake.calls.processes = 1;
    fake.calls.minor_faults = 20;
  };
  const Json json = Json::parse(run_shell({"list_apps", "--verbose", "--json"}, one_app).out);
  CHECK(json["applications"][0]["system_calls"] == 11);
  CHECK(json["applications"][0]["linux_calls"] == 3);
  CHECK(json["applications"][0]["minor_faults"] == 20);
  CHECK_THAT(run_shell({"list_apps"}, one_app).out, !Catch::Contains("Minor faults"));

  // Linux counts no process that has ended, and where leviathan does not run nothing is known.
  const auto ended = Json::parse(run_shell({"list_apps", "-v", "--json"}, [&](FakeClient& fake) {
                       one_app(fake);
                       fake.calls.processes = 0;
                     }).out);
  CHECK(ended["applications"][0]["system_calls"] == 11);
  CHECK(ended["applications"][0]["minor_faults"].is_null());
  const auto unknown = Json::parse(run_shell({"list_apps", "-v", "--json"}, [&](FakeClient& fake) {
                         one_app(fake);
                         fake.apps.live = false;
                       }).out);
  CHECK(unknown["applications"].size() == 1);
  CHECK(unknown["applications"][0]["system_calls"].is_null());
}

TEST_CASE("list_memory adds the blocks up") {
  const auto outcome = run_shell({"list_memory"}, [](FakeClient& fake) {
    fake.memory.live = true;
    fake.memory.block_size = mib(128);
    client::MemoryRow block{.index = 0, .base = 0x100000000, .size = mib(128), .state = "ALLOCATED",
                            .backing = "2 MiB pages", .numa = NumaId(0), .enclave = EnclaveId(3), .app = {}};
    client::MemoryRow free_block{.index = 1, .base = 0x108000000, .size = mib(128), .state = "FREE", .backing = "",
                                 .numa = any_numa, .enclave = {}, .app = {}};
    fake.memory.rows = {block, free_block};
  });
  CHECK_THAT(outcome.out, Catch::StartsWith("2 memory blocks [block size=128 MiB] (1 numa domain)\n"
                                            "Total mem: 256 MiB ; Free Mem: 128 MiB\n"));
  CHECK_THAT(outcome.out,
             Catch::Contains("| Blk ID | Physical Address   | State     | Numa | Enclave ID | App ID | Size "));
  CHECK_THAT(outcome.out, Catch::Contains("| 0      | 0x0000000100000000 | ALLOCATED | 0    | 3          | -1     |"));
  CHECK_THAT(outcome.out, Catch::Contains("| 1      | 0x0000000108000000 | FREE      | -1   | -1         | -1     |"));
}

TEST_CASE("the other lists carry the original's columns") {
  const auto segments = run_shell({"list_segments"}, [](FakeClient& fake) {
    fake.segments.rows.resize(1);
    fake.segments.rows[0].mode = 0640;
    fake.segments.rows[0].uid = 7;
    fake.segments.rows[0].size = mib(1);
  });
  CHECK_THAT(segments.out, Catch::Contains("| SEGID | Segment Name | Enclave ID | App ID | Size    | Permissions   | Att"));
  CHECK_THAT(segments.out, Catch::Contains("| 1048576 | rw-r----- 7:0 | 0 "));
  CHECK_THAT(segments.out, Catch::Contains("unnamed"));
  const auto cpus = run_shell({"list_cpus"}, [](FakeClient& fake) { fake.cpus.rows.resize(2); });
  CHECK_THAT(cpus.out, Catch::StartsWith("2 CPUs (1 numa domain)\n"));
  CHECK_THAT(cpus.out, Catch::Contains("| CPU ID | APIC ID | State | Numa | Enclave ID | Logical ID | Package "));
  CHECK(run_shell({"list_pci"}).out == "0 PCI devices\n");
}

TEST_CASE("names cannot drive the terminal or break the JSON") {
  const auto hostile = [](FakeClient& fake) {
    two_enclaves(fake);
    fake.enclaves.rows[1].name = "a\x1b[2J\xff";
  };
  CHECK_THAT(run_shell({"list_enclaves"}, hostile).out, !Catch::Contains("\x1b"));
  CHECK(Json::accept(run_shell({"list_enclaves", "--json"}, hostile).out));
}

TEST_CASE("sizes are shown in the largest unit that leaves no rest") {
  CHECK(size_text(Bytes(0)) == "0");
  CHECK(size_text(gib(2)) == "2 GiB");
  CHECK(size_text(mib(1536)) == "1536 MiB");
  CHECK(size_text(kib(4)) == "4 KiB");
  CHECK(size_text(Bytes(1000)) == "1000 B");
}

}  // namespace
}  // namespace hobbes::shell
