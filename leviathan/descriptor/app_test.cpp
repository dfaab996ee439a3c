// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/app.hpp"

#include <catch2/catch.hpp>

namespace hobbes::descriptor {
namespace {

std::string refused(std::string_view xml) {
  const auto parsed = parse_app(xml, "job.xml");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code() == Code::invalid);
  return parsed.error().text();
}

TEST_CASE("every field of an <app> is read") {
  const auto app = parse_app(R"(<app path="/bin/busybox" name="job">
  <argv>sh -c 'echo "a b"'</argv>
  <envp>HOME=/root MSG="two words"</envp>
  <ranks>2</ranks> <cpu_list>0,2-3</cpu_list>
  <heap_size>16777216</heap_size> <stack_size>256K</stack_size>
  <use_large_pages/> <use_smartmap>no</use_smartmap>
</app>)", "job.xml");
  REQUIRE(app);
  CHECK(app->path == "/bin/busybox");
  CHECK(app->name == "job");
  CHECK(app->argv == std::vector<std::string>{"sh", "-c", "echo \"a b\""});
  CHECK(app->envp == std::vector<std::string>{"HOME=/root", "MSG=two words"});
  CHECK(app->ranks == 2U);
  CHECK(app->cpu_list == "0,2-3");
  CHECK(app->heap_size == mib(16));
  CHECK(app->stack_size == kib(256));
  CHECK(app->use_large_pages);
  CHECK_FALSE(app->use_smartmap);
}

TEST_CASE("an <app> needs a path and nothing else") {
  const auto app = parse_app("<app><path>/bin/true</path></app>", "job.xml");
  REQUIRE(app);
  CHECK(app->argv.empty());
  CHECK_FALSE(app->ranks);
  CHECK_FALSE(app->heap_size);
  CHECK(refused("<app/>") == "job.xml:1: <app>: path is missing");
  CHECK(refused("<app path=' '/>") == "job.xml:1: <app>: path is missing");
}

TEST_CASE("bad fields of an <app> are refused with their line") {
  const auto with = [](std::string_view field) {
    return refused("<app path='/bin/true'>\n" + std::string(field) + "</app>");
  };
  CHECK(with("<argv>sh -c 'open</argv>") == "job.xml:2: <argv>: argv: the quote ' is never closed");
  CHECK(with("<envp>A=1 B</envp>") == "job.xml:2: <envp>: envp: 'B' is not NAME=VALUE");
  CHECK(with("<envp>=1</envp>") == "job.xml:2: <envp>: envp: '=1' is not NAME=VALUE");
  CHECK(with("<ranks>0</ranks>") == "job.xml:2: <ranks>: ranks '0' must be from 1 to 65535");
  CHECK(with("<cpu_list>1-</cpu_list>") == "job.xml:2: <cpu_list>: cpu_list '1-' is not a list of CPUs like 0-3,8");
  CHECK(with("<heap_size>16</heap_size>") ==
        "job.xml:2: <heap_size>: heap_size '16' is less than a page: a bare number is bytes, write 16M for MiB");
  CHECK(with("<use_large_pages>maybe</use_large_pages>") ==
        "job.xml:2: <use_large_pages>: use_large_pages 'maybe' is neither yes nor no");
  CHECK(with("<stdin/>") == "job.xml:2: <stdin>: this element is not known inside <app>");
}

TEST_CASE("fields that only leviathan decides are refused, empty ones pass") {
  CHECK(refused("<app path='/x'><data_base_addr>4096</data_base_addr></app>") ==
        "job.xml:1: <data_base_addr>: data_base_addr is decided when the application is launched: leave it out");
  CHECK(refused("<app path='/x' app_id='3'/>") ==
        "job.xml:1: <app>: app_id is decided when the application is launched: leave it out");
  CHECK(parse_app("<app path='/x' app_id=''/>", "job.xml"));
}

}  // namespace
}  // namespace hobbes::descriptor
