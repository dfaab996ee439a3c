// SPDX-License-Identifier: Apache-2.0
// A leviathan that is started again with other options.
#include "leviathan/reshape.hpp"

#include <catch2/catch.hpp>

#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

std::vector<db::Cpu> cpus(std::initializer_list<std::uint32_t> ids) {
  std::vector<db::Cpu> found;
  for (const std::uint32_t id : ids) {
    found.emplace_back();
    found.back().id = CpuId(id);
  }
  return found;
}

const std::vector<db::Cpu> all_four = cpus({0, 1, 2, 3});

/// While no leviathan runs.
Status reshape_at(TestNode& node, const Wishes& wishes) {
  auto environment = TRY(db::Environment::create(node.path()));
  return reshape(environment, wishes);
}

/// The next leviathan over the node, with these options; empty, or why it refuses.
std::string start_again(TestNode& node, const Wishes& wishes) {
  node.stop();
  const Status done = reshape_at(node, wishes);
  node.restart();
  return done ? "" : done.error().text();
}

std::string share(TestNode& node, std::optional<std::vector<CpuId>> linux_cpus, std::uint32_t slots = 1) {
  return start_again(node, {.memory = {},
                            .available = {},
                            .source = {},
                            .block_size = {},
                            .cpus = CpuPolicy{std::move(linux_cpus), slots, slots > 1},
                            .cpus_found = all_four});
}

std::string give_memory(TestNode& node, std::uint64_t blocks, Bytes available = gib(64)) {
  return start_again(
      node, {.memory = TestNode::block_size * blocks, .available = available, .source = {}, .block_size = {}, .cpus = {}, .cpus_found = all_four});
}

}  // namespace

TEST_CASE("without new options the node stays as it is", "[reshape]") {
  TestNode node;
  REQUIRE(node.create("a", 2, 3));
  const std::string before = node.owners();
  CHECK(start_again(node, {.memory = {}, .available = {}, .source = {}, .block_size = {}, .cpus = {}, .cpus_found = all_four}).empty());
  CHECK(node.owners() == before);
  node.check_sound();
}

TEST_CASE("the pool grows and shrinks around what enclaves hold", "[reshape]") {
  TestNode node;
  REQUIRE(node.create("a", 1, 3));
  CHECK(give_memory(node, 6).empty());
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3 free:3"));
  CHECK(give_memory(node, 3).empty());
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3"));
  CHECK_THAT(give_memory(node, 2), Catch::Contains("--memory: 384 MiB are in use by enclaves"));
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3"));
  CHECK_THAT(give_memory(node, 10, mib(512)), Catch::Contains("896 MiB more are needed, 512 MiB available"));
  CHECK(give_memory(node, 10).empty());
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3 free:7"));
  node.check_sound();
}

TEST_CASE("where blocks are Linux's own, they are taken and given back at their addresses", "[reshape]") {
  TestNode node;
  REQUIRE(node.create("a", 1, 3));
  constexpr std::uint64_t new_base = 77 * TestNode::block_size.value;
  std::vector<std::uint64_t> given_back;
  Bytes asked;
  const LinuxMemorySource source{
      .take = [&](Bytes amount) -> Result<std::vector<bridge::MemoryBlock>> {
        asked = amount;
        if (amount > TestNode::block_size) return Error(Code::exhausted, "memory: not so much");
        return std::vector<bridge::MemoryBlock>{{new_base, TestNode::block_size, any_numa, "taken"}};
      },
      .give_back = [&](std::uint64_t base) {
        given_back.push_back(base);
        return Status();
      }};
  Wishes wishes{.memory = TestNode::block_size * 4, .available = {}, .source = source, .block_size = {}, .cpus = {}, .cpus_found = all_four};

  CHECK(start_again(node, wishes).empty());
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3 free:1"));
  CHECK(given_back.size() == 4);

  given_back.clear();
  wishes.memory = TestNode::block_size * 5;
  node.stop();
  REQUIRE(reshape_at(node, wishes));
  CHECK(asked == TestNode::block_size);

  wishes.memory = TestNode::block_size * 4;
  REQUIRE(reshape_at(node, wishes));
  CHECK(given_back == std::vector{new_base});

  wishes.memory = TestNode::block_size * 9;
  given_back.clear();
  CHECK(reshape_at(node, wishes).error().code() == Code::exhausted);
  wishes.memory = TestNode::block_size * 5;
  wishes.cpus = CpuPolicy{std::vector{CpuId(1)}, 1, false};  // which the enclave has
  CHECK(reshape_at(node, wishes).error().code() == Code::busy);
  CHECK(given_back == std::vector{new_base});
  node.restart();
  CHECK_THAT(node.owners(), Catch::EndsWith("blocks a:3 free:1"));
}

TEST_CASE("blocks stay as large as they are", "[reshape]") {
  TestNode node;
  const auto start_with = [&](Bytes size) {
    return start_again(node, {.memory = {}, .available = {}, .source = {}, .block_size = size, .cpus = {}, .cpus_found = all_four});
  };
  CHECK(start_with(TestNode::block_size).empty());
  CHECK_THAT(start_with(mib(2)), Catch::Contains("--block-size: 2 MiB asked for") && Catch::Contains("blocks of 128 MiB"));
  node.check_sound();
}

TEST_CASE("CPUs change hands when nobody uses them", "[reshape]") {
  TestNode node;
  CHECK(share(node, std::vector{CpuId(1), CpuId(2)}).empty());
  CHECK_THAT(node.owners(), Catch::StartsWith("cpus 0=free 1=master 2=master 3=free |"));
  CHECK(share(node, std::vector{CpuId(0)}).empty());
  CHECK_THAT(node.owners(), Catch::StartsWith("cpus 0=master 1=free 2=free 3=free |"));
  CHECK(share(node, std::vector{CpuId(0)}, 2).empty());
  CHECK_THAT(node.owners(), Catch::StartsWith("cpus 0=master 1=free 1=free 2=free 2=free 3=free 3=free |"));
  CHECK(share(node, std::vector{CpuId(0)}).empty());
  CHECK_THAT(node.owners(), Catch::StartsWith("cpus 0=master 1=free 2=free 3=free |"));
  node.check_sound();
}

TEST_CASE("a CPU of an enclave does not become Linux's", "[reshape]") {
  TestNode node;
  REQUIRE(node.create("a"));
  const std::string before = node.owners();
  const std::string refusal = share(node, std::vector{CpuId(0), CpuId(1), CpuId(2), CpuId(3)});
  CHECK_THAT(refusal, Catch::Contains("belongs to enclave 'a'"));
  CHECK(node.owners() == before);
  node.check_sound();
}

TEST_CASE("a CPU that went offline is INVALID until it is back", "[reshape]") {
  TestNode node;
  const auto state_of_three = [&] {
    return node.node().db().read()->get<db::Cpu>({CpuId(3), 0})->value().state;
  };
  const auto start_finding = [&](std::vector<db::Cpu> found) {
    return start_again(
        node, {.memory = {}, .available = {}, .source = {}, .block_size = {}, .cpus = {}, .cpus_found = std::move(found)});
  };
  CHECK(start_finding(cpus({0, 1, 2})).empty());
  CHECK(state_of_three() == db::ResourceState::invalid);
  node.check_sound();
  CHECK(start_finding(all_four).empty());
  CHECK(state_of_three() == db::ResourceState::free);
  node.check_sound();
}

TEST_CASE("CPUs that Linux cannot use are known, and nobody's", "[reshape]") {
  const auto offline = offline_cpus(cpus({0, 2}), {CpuId(0), CpuId(1), CpuId(2), CpuId(3)});
  REQUIRE(offline.size() == 2);
  CHECK(offline[0].id == CpuId(1));
  CHECK(offline[1].id == CpuId(3));
  CHECK(offline[0].state == db::ResourceState::invalid);
}
