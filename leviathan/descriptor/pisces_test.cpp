// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/pisces.hpp"

#include <catch2/catch.hpp>

#include "leviathan/descriptor/element.hpp"

namespace hobbes::descriptor {
namespace {

PiscesDescriptor accepted(std::string_view xml) {
  auto parsed = parse_pisces(xml, "f.xml");
  INFO((parsed ? std::string() : parsed.error().text()));
  REQUIRE(parsed);
  return *std::move(parsed);
}

std::string refused(std::string_view xml) {
  const auto parsed = parse_pisces(xml, "f.xml");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code() == Code::invalid);
  return parsed.error().text();
}

TEST_CASE("an empty <pisces> asks for nothing but the defaults") {
  const auto enclave = accepted("<pisces/>");
  CHECK(enclave.name.empty());
  CHECK_FALSE(enclave.bridge);
  CHECK(enclave.boot_env.numa == any_numa);
  CHECK_FALSE(enclave.boot_env.cpu);
  CHECK(enclave.memory.empty());
  CHECK(enclave.host_io.mode == HostIoMode::all);
  CHECK(enclave.host_io.root == "/");
}

TEST_CASE("every field of a <pisces> is read") {
  const auto enclave = accepted(R"(<?xml version="1.0"?>
<!-- a comment -->
<pisces name="kitten" owner="ada:users" bridge="hosted">
  <kernel>/boot/co-kernel</kernel>
  <cmd_line>console=pisces <!-- split --> debug</cmd_line>
  <schedule_hz>100</schedule_hz>
  <boot_env numa="1" cpu="3"><memory size="128">0x100000000</memory></boot_env>
  <memory size="512" numa="-1"/>
  <memory><size>6G</size><block_size>256</block_size><numa>1</numa><base_addr>0x200000000</base_addr></memory>
  <cpus><core>4</core><core>5</core><cores numa="0">2</cores></cpus>
  <host_io mode="files" root="/srv/data"/>
  <files/><devices></devices>
</pisces>)");
  CHECK(enclave.name == "kitten");
  CHECK(enclave.owner == "ada:users");
  CHECK(enclave.bridge == BridgeKind::hosted);
  CHECK(enclave.kernel == "/boot/co-kernel");
  CHECK(enclave.cmd_line == "console=pisces  debug");
  CHECK(enclave.schedule_hz == 100);
  CHECK(enclave.boot_env.numa == NumaId(1));
  CHECK(enclave.boot_env.cpu == CpuId(3));
  CHECK(enclave.boot_env.memory_size == mib(128));
  CHECK(enclave.boot_env.memory_base == 0x100000000);
  REQUIRE(enclave.memory.size() == 2);
  CHECK(enclave.memory[0].size == mib(512));
  CHECK_FALSE(enclave.memory[0].block_size);
  CHECK(enclave.memory[1].size == gib(6));
  CHECK(enclave.memory[1].block_size == mib(256));
  CHECK(enclave.memory[1].numa == NumaId(1));
  CHECK(enclave.memory[1].base_addr == 0x200000000);
  CHECK(enclave.cores == std::vector{CpuId(4), CpuId(5)});
  REQUIRE(enclave.core_counts.size() == 1);
  CHECK(enclave.core_counts[0].count == 2);
  CHECK(enclave.core_counts[0].numa == NumaId(0));
  CHECK(enclave.host_io.mode == HostIoMode::files);
  CHECK(enclave.host_io.root == "/srv/data");
}

TEST_CASE("an empty value is an absent one") {
  const auto enclave = accepted(R"(<pisces name="" init_task=""><kernel> </kernel><bridge/></pisces>)");
  CHECK(enclave.name.empty());
  CHECK(enclave.kernel.empty());
  CHECK_FALSE(enclave.bridge);
}

TEST_CASE("a refusal names the file, the line, the element and the reason") {
  CHECK(refused("<pisces>\n\n  <memory size=\"lots\"/>\n</pisces>") ==
        "f.xml:3: <memory>: size 'lots' is not a size (a number, with K, M, G or T behind it)");
  CHECK(refused("<pisces>\r\n<boot_env>\r\n<cpu>x</cpu></boot_env></pisces>") ==
        "f.xml:3: <cpu>: CPU 'x' is not a number");
}

TEST_CASE("what is not a <pisces> descriptor is refused") {
  CHECK(refused("") == "f.xml: empty: a <pisces> is expected");
  CHECK(refused(" \n") == "f.xml: empty: a <pisces> is expected");
  CHECK_THAT(refused("hello"), Catch::Contains("f.xml:1: not well-formed XML"));
  CHECK_THAT(refused("<pisces>\n<memory>\n</pisces>"), Catch::Contains("f.xml:3: not well-formed XML"));
  CHECK(refused("\n<vm/>") == "f.xml:2: <vm>: a <pisces> is expected here");
  CHECK(refused("<pisces_old/>") == "f.xml:1: <pisces_old>: a <pisces> is expected here");
  CHECK(refused("<pisces/>\n<pisces/>") == "f.xml:2: <pisces>: only one element may stand at the top of a descriptor");
  CHECK(refused(std::string_view("<pisces>\n\0</pisces>", 19)) == "f.xml:2: not XML: there is a NUL byte");
}

TEST_CASE("unknown elements, attributes and text are refused") {
  CHECK(refused("<pisces><colour/></pisces>") == "f.xml:1: <colour>: this element is not known inside <pisces>");
  CHECK(refused("<pisces size='1'/>") == "f.xml:1: <pisces>: attribute 'size' is not known here");
  CHECK(refused("<pisces>text</pisces>") == "f.xml:1: <pisces>: text 'text' is not expected here");
  CHECK(refused("<pisces><name old='1'>a</name></pisces>") == "f.xml:1: <name>: attribute 'old' is not known here");
  CHECK(refused("<pisces><name><b/></name></pisces>") == "f.xml:1: <b>: this element is not known inside <name>");
  CHECK(refused("<pisces><cpus><node>1</node></cpus></pisces>") ==
        "f.xml:1: <node>: this element is not known inside <cpus>");
  CHECK(refused("<pisces><?php x?></pisces>") == "f.xml:1: <pisces>: processing instructions are not accepted");
}

TEST_CASE("a value given twice is refused") {
  CHECK(refused("<pisces name='a'>\n<name>b</name></pisces>") ==
        "f.xml:2: <name>: given twice, as an attribute of <pisces> and as an element");
  CHECK(refused("<pisces><name>a</name>\n<name>b</name></pisces>") == "f.xml:2: <name>: given twice");
  CHECK(refused("<pisces name='a' name='b'/>") == "f.xml:1: <pisces>: attribute 'name' is given twice");
  CHECK(refused("<pisces><boot_env/>\n<boot_env/></pisces>") == "f.xml:2: <boot_env>: given twice");
}

TEST_CASE("words that mean nothing are refused") {
  CHECK(refused("<pisces bridge='xen'/>") == "f.xml:1: <pisces>: bridge 'xen' is none of hosted, pisces, kvm");
  CHECK(refused("<pisces><host_io mode='some'/></pisces>") ==
        "f.xml:1: <host_io>: mode 'some' is none of none, files, all");
  CHECK(refused("<pisces><host_io mode='files' root='data'/></pisces>") ==
        "f.xml:1: <host_io>: root 'data' is not an absolute path");
}

TEST_CASE("numbers out of range or with trailing text are refused") {
  CHECK(refused("<pisces><memory/></pisces>") == "f.xml:1: <memory>: size is missing");
  CHECK(refused("<pisces><memory size='0'/></pisces>") == "f.xml:1: <memory>: size must be more than 0");
  CHECK(refused("<pisces><memory size='-5'/></pisces>") ==
        "f.xml:1: <memory>: size '-5' is not a size (a number, with K, M, G or T behind it)");
  CHECK_THAT(refused("<pisces><memory size='99999999999999999999'/></pisces>"), Catch::Contains("is out of range"));
  CHECK_THAT(refused("<pisces><memory size='17592186044416'/></pisces>"), Catch::Contains("is out of range"));
  CHECK_THAT(refused("<pisces><memory size='1' numa='2x'/></pisces>"), Catch::Contains("NUMA node '2x'"));
  CHECK_THAT(refused("<pisces><memory size='1' numa='-2'/></pisces>"), Catch::Contains("must be from -1 to 1023"));
  CHECK_THAT(refused("<pisces><memory size='1' base_addr='0xg'/></pisces>"), Catch::Contains("base_addr '0xg'"));
  CHECK_THAT(refused("<pisces><boot_env><memory>here</memory></boot_env></pisces>"),
             Catch::Contains("<memory>: physical address 'here' is not a number"));
  CHECK_THAT(refused("<pisces><cpus><cores>0</cores></cpus></pisces>"),
             Catch::Contains("<cores>: number of CPUs '0' must be from 1"));
  CHECK_THAT(refused("<pisces><cpus><cores/></cpus></pisces>"), Catch::Contains("<cores>: number of CPUs ''"));
}

TEST_CASE("a CPU is asked for once") {
  CHECK(refused("<pisces><cpus><core>3</core>\n<core>3</core></cpus></pisces>") ==
        "f.xml:2: <core>: CPU 3 is listed twice");
  CHECK(refused("<pisces><boot_env cpu='3'/><cpus><core>3</core></cpus></pisces>") ==
        "f.xml:1: <core>: CPU 3 is the boot CPU already");
}

TEST_CASE("elements of old descriptors are refused when they ask for something") {
  CHECK(refused("<pisces>\n<init_task>lwk_init</init_task></pisces>") ==
        "f.xml:2: <init_task>: init_task is not used by this co-kernel: its control task is built in");
  CHECK_THAT(refused("<pisces><devices><vpci name='a'/></devices></pisces>"),
             Catch::Contains("<devices>: not supported"));
  CHECK_THAT(refused("<pisces><files><file/></files></pisces>"), Catch::Contains("<files>: not supported"));
}

TEST_CASE("a hostile file cannot make the parser work without end") {
  CHECK(refused("<!DOCTYPE a [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;&b;&b;'>]>\n<pisces name='&c;'/>") ==
        "f.xml:1: a DOCTYPE is not accepted in a descriptor");
  CHECK(refused("<pisces>" + std::string(max_descriptor_size, ' ') + "</pisces>") ==
        "f.xml: larger than 1 MiB: not a descriptor");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  CHECK_THAT(refused(deep), Catch::Contains("not well-formed XML"));
  std::string many = "<pisces>";
  for (int i = 0; i < 5000; ++i) many += "<memory size='1'/>";
  CHECK_THAT(refused(many + "</pisces>"), Catch::Contains("too many <memory> elements"));
  CHECK_THAT(refused("<pisces cmd_line='" + std::string(2000, 'x') + "'/>"),
             Catch::Contains("cmd_line is longer than 1023 bytes"));
  CHECK_THAT(refused("<pisces schedule_hz='0'/>"), Catch::Contains("schedule_hz"));
  CHECK_THAT(refused("<pisces schedule_hz='20000'/>"), Catch::Contains("schedule_hz"));
}

}  // namespace
}  // namespace hobbes::descriptor
