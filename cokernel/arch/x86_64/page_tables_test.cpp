// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/page_tables.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <set>

#include "cokernel/arch/x86_64/features.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"

namespace hobbes::lwk::x86 {
namespace {

std::set<PhysAddr> tables;
int tables_left = -1;  // -1: any number

}  // namespace

// Tables of the test are where the host has them: a physical address is a pointer.
Features features;
PhysAddr allocate_table() {
  if (tables_left == 0) return 0;
  if (tables_left > 0) --tables_left;
  void* const page = std::aligned_alloc(page_size, page_size);
  std::memset(page, 0, page_size);
  return *tables.insert(reinterpret_cast<PhysAddr>(page)).first;
}
void free_table(PhysAddr table) {
  REQUIRE(tables.erase(table) == 1);
  std::free(reinterpret_cast<void*>(table));
}
std::uint64_t* table_at(PhysAddr table) { return reinterpret_cast<std::uint64_t*>(table); }

namespace {

constexpr std::uint64_t mib = 1 << 20, gib = 1ull << 30;
constexpr std::uint64_t readable = page_present | page_user, writable = readable | page_writable;

struct Tree {
  Tree() {
    features = {};
    features.large_gigabyte = true;
    tables_left = -1;
    REQUIRE(kernel.create(empty()) == 0);
    REQUIRE(user.create(kernel) == 0);
  }
  ~Tree() {
    user.destroy();
    kernel.destroy();
    free_table(nothing.root());
    CHECK(tables.empty());
  }
  const PageTables& empty() {
    nothing.adopt(allocate_table());
    return nothing;
  }
  [[nodiscard]] std::size_t own_tables() const { return tables.size() - 2; }

  PageTables nothing, kernel, user;
};

TEST_CASE("memory is mapped by the largest pages that fit", "[page_tables]") {
  Tree tree;
  SECTION("one of 1 GiB") {
    REQUIRE(tree.user.map(gib, 4 * gib, gib, writable) == 0);
    CHECK(tree.own_tables() == 2);  // the root and the one below it
    CHECK(tree.user.find(gib + 5 * mib) == (4 * gib | writable | page_large));
  }
  SECTION("of 2 MiB, where the CPU has no larger ones") {
    features.large_gigabyte = false;
    REQUIRE(tree.user.map(gib, 4 * gib, gib, writable) == 0);
    CHECK(tree.own_tables() == 3);
    CHECK(tree.user.find(gib + 5 * mib) == ((4 * gib + 4 * mib) | writable | page_large));
  }
  SECTION("small ones around a large one") {
    REQUIRE(tree.user.map(2 * mib - page_size, 8 * mib - page_size, 2 * mib + 2 * page_size, readable) == 0);
    CHECK(tree.user.find(2 * mib - page_size) == ((8 * mib - page_size) | readable));
    CHECK(tree.user.find(3 * mib) == (8 * mib | readable | page_large));
    CHECK(tree.user.find(4 * mib) == (10 * mib | readable));
    CHECK(tree.user.find(4 * mib + page_size) == 0);
  }
  SECTION("small ones where address and memory do not meet") {
    REQUIRE(tree.user.map(2 * mib, 8 * mib + page_size, 2 * mib, readable) == 0);
    CHECK(tree.user.find(2 * mib) == ((8 * mib + page_size) | readable));
  }
  CHECK_FALSE(tree.user.take_stale());
}

TEST_CASE("a part of a large page is changed alone", "[page_tables]") {
  Tree tree;
  REQUIRE(tree.user.map(gib, 4 * gib, gib, writable) == 0);
  SECTION("its rights") {
    REQUIRE(tree.user.protect(gib + page_size, page_size, readable) == 0);
    CHECK(tree.user.find(gib) == (4 * gib | writable));
    CHECK(tree.user.find(gib + page_size) == ((4 * gib + page_size) | readable));
    CHECK(tree.user.find(gib + 2 * mib) == ((4 * gib + 2 * mib) | writable | page_large));
  }
  SECTION("its being there") {
    REQUIRE(tree.user.unmap(gib + 2 * mib, 2 * mib + page_size) == 0);
    CHECK(tree.user.find(gib + 2 * mib) == 0);
    CHECK(tree.user.find(gib + 4 * mib) == 0);
    CHECK(tree.user.find(gib + 4 * mib + page_size) == ((4 * gib + 4 * mib + page_size) | writable));
  }
  CHECK(tree.user.take_stale());
  CHECK_FALSE(tree.user.take_stale());
}

TEST_CASE("memory that nobody may reach is not forgotten", "[page_tables]") {
  Tree tree;
  REQUIRE(tree.user.map(2 * mib, 8 * mib, 4 * mib, page_held) == 0);
  CHECK((tree.user.find(2 * mib) & page_present) == 0);
  REQUIRE(tree.user.protect(2 * mib, page_size, writable) == 0);
  CHECK(tree.user.find(2 * mib) == (8 * mib | writable));
  CHECK((tree.user.find(2 * mib + page_size) & (page_held | page_present)) == page_held);
  CHECK((tree.user.find(2 * mib + page_size) & entry_address) == 8 * mib + page_size);
  CHECK_FALSE(tree.user.take_stale());  // nobody could have had it
}

TEST_CASE("tables go when what they map is unmapped, once the CPUs have forgotten them", "[page_tables]") {
  Tree tree;
  REQUIRE(tree.user.map(gib, gib + page_size, 8 * mib, writable) == 0);
  const std::size_t before = tree.own_tables();
  REQUIRE(tree.user.unmap(gib, gib) == 0);
  CHECK(tree.own_tables() == before);
  CHECK(tree.user.take_stale());
  tree.user.release_tables();
  CHECK(tree.own_tables() == 2);
}

TEST_CASE("a copy has the same translations and tables of its own", "[page_tables]") {
  Tree tree;
  PageTables copy;
  REQUIRE(tree.user.map(gib, gib + page_size, 8 * mib, writable) == 0);
  REQUIRE(copy.create(tree.kernel) == 0);
  REQUIRE(copy.copy_lower_half(tree.user) == 0);
  REQUIRE(tree.user.unmap(gib, 8 * mib) == 0);
  CHECK(tree.user.find(gib + mib) == 0);
  CHECK(copy.find(gib + mib) == ((gib + page_size + mib) | writable));
  copy.destroy();
}

TEST_CASE("without memory for a table nothing breaks", "[page_tables]") {
  Tree tree;
  for (int left = 0; left < 3; ++left) {  // it takes three
    const std::uint64_t at = 512 * gib * static_cast<std::uint64_t>(left + 1);
    tables_left = left;
    CHECK(tree.user.map(at, 5 * page_size, page_size, writable) == -ENOMEM);
    CHECK(tree.user.find(at) == 0);
    tables_left = -1;
  }
}

}  // namespace
}  // namespace hobbes::lwk::x86
