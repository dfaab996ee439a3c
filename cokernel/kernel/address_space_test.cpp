// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace hobbes::lwk {
namespace {

constexpr uint32_t read_write = port::prot_read | port::prot_write;
constexpr UserAddr base = 0x10000000;

/// "start-end protection" for each region, in pages from `base`.
std::string picture(AddressSpace& space) {
  std::string text;
  space.for_each([&](const Region& region) {
    if (region.start < base || region.start > base + (1ull << 30)) return;
    if (!text.empty()) text += ' ';
    text += std::to_string((region.start - base) / page_size) + '-' + std::to_string((region.end - base) / page_size);
    text += region.extents == nullptr && region.shared == nullptr ? "." : (region.protection & port::prot_write) != 0 ? "w" : "r";
  });
  return text;
}

Sysret map(AddressSpace& space, uint64_t page, uint64_t pages, uint32_t protection = read_write, bool reserve = false) {
  AddressSpace::Request request;
  request.address = base + page * page_size;
  request.size = pages * page_size;
  request.protection = protection;
  request.fixed = true;
  request.reserve_only = reserve;
  return space.map(request);
}

char& byte(AddressSpace& space, UserAddr address) {
  uint64_t contiguous = 0;
  void* memory = space.direct(address, 1, 0, contiguous);
  REQUIRE(memory != nullptr);
  return *static_cast<char*>(memory);
}

struct Space {
  Space() { before = page_allocator().free_pages(); }
  testing::TestProcess process;
  AddressSpace& space = process.process().space;
  uint64_t before;
};

TEST_CASE("neighbours that are alike become one region", "[memory]") {
  Space test;
  REQUIRE(map(test.space, 0, 4) > 0);
  REQUIRE(map(test.space, 4, 4) > 0);
  CHECK(picture(test.space) == "0-8w");
  REQUIRE(map(test.space, 9, 1) > 0);
  REQUIRE(map(test.space, 8, 1) > 0);
  CHECK(picture(test.space) == "0-10w");
  REQUIRE(map(test.space, 10, 1, port::prot_read) > 0);
  CHECK(picture(test.space) == "0-10w 10-11r");
}

TEST_CASE("unmapping a part keeps the rest and its content", "[memory]") {
  Space test;
  REQUIRE(map(test.space, 0, 6) > 0);
  for (int page = 0; page < 6; ++page) byte(test.space, base + page * page_size) = static_cast<char>('a' + page);
  REQUIRE(test.space.unmap(base + 2 * page_size, 2 * page_size) == 0);
  CHECK(picture(test.space) == "0-2w 4-6w");
  CHECK(byte(test.space, base + page_size) == 'b');
  CHECK(byte(test.space, base + 4 * page_size) == 'e');
  REQUIRE(test.space.unmap(base, 6 * page_size) == 0);
  CHECK(picture(test.space).empty());
}

TEST_CASE("protection changes page by page and joins again", "[memory]") {
  Space test;
  REQUIRE(map(test.space, 0, 4) > 0);
  REQUIRE(test.space.protect(base + page_size, page_size, port::prot_read) == 0);
  CHECK(picture(test.space) == "0-1w 1-2r 2-4w");
  REQUIRE(test.space.protect(base + page_size, page_size, read_write) == 0);
  CHECK(picture(test.space) == "0-4w");
  CHECK(test.space.protect(base, 5 * page_size, port::prot_read) == -ENOMEM);
}

TEST_CASE("reserved addresses cost nothing until they come into use", "[memory]") {
  Space test;
  const uint64_t free = page_allocator().free_pages();
  REQUIRE(map(test.space, 0, 100000, port::prot_none, true) > 0);
  CHECK(free - page_allocator().free_pages() < 16);
  REQUIRE(test.space.protect(base + 10 * page_size, page_size, read_write) == 0);
  CHECK(picture(test.space) == "0-10. 10-11w 11-100000.");
}

// A mapping that moved to right below itself took its old pages for a part of the new ones, and lost them.
TEST_CASE("a mapping that moves keeps its pages wherever it goes", "[memory]") {
  Space test;
  AddressSpace::Request request;
  request.size = 4 * page_size;
  request.protection = read_write;
  REQUIRE(test.space.map(request) > 0);  // what lies above, so that it cannot grow where it is
  request.protection = port::prot_read;
  REQUIRE(test.space.map(request) > 0);
  request.protection = read_write;
  const auto first = static_cast<UserAddr>(test.space.map(request));
  for (int page = 0; page < 4; ++page) byte(test.space, first + page * page_size) = static_cast<char>('a' + page);
  const auto moved = static_cast<UserAddr>(test.space.remap(first, 4 * page_size, 64 * page_size, true, false, 0));
  REQUIRE(moved != first);
  for (int page = 0; page < 4; ++page) CHECK(byte(test.space, moved + page * page_size) == 'a' + page);
  CHECK(byte(test.space, moved + 63 * page_size) == 0);
  CHECK(test.space.remap(moved, 64 * page_size, 2 * page_size, false, false, 0) == static_cast<Sysret>(moved));
  uint64_t contiguous = 0;
  CHECK(test.space.direct(moved + 2 * page_size, 1, 0, contiguous) == nullptr);
}

TEST_CASE("memory that the host may be writing to is not given to anyone else", "[memory]") {
  Space test;
  REQUIRE(map(test.space, 0, 512) > 0);
  const uint64_t free = page_allocator().free_pages();
  {
    const MemoryPin outer(test.space);
    {
      const MemoryPin inner(test.space);
      REQUIRE(test.space.unmap(base, 512 * page_size) == 0);
    }
    CHECK(picture(test.space).empty());
    CHECK(page_allocator().free_pages() <= free);
  }
  CHECK(page_allocator().free_pages() >= free + 512);
}

TEST_CASE("the heap grows in place, and what it gives back reads as zero", "[memory]") {
  Space test;
  REQUIRE(test.space.start_heap(base, {.heap_size = 1 << 20}) == 0);
  CHECK(test.space.set_break(0) == static_cast<Sysret>(base));
  CHECK(test.space.set_break(base + 100000) == static_cast<Sysret>(base + 100000));
  byte(test.space, base + 99999) = 'x';
  CHECK(test.space.set_break(base) == static_cast<Sysret>(base));
  CHECK(test.space.set_break(base + 100000) == static_cast<Sysret>(base + 100000));
  CHECK(byte(test.space, base + 99999) == 0);
  CHECK(test.space.set_break(base + (2 << 20)) == static_cast<Sysret>(base + 100000));  // beyond the limit
}

TEST_CASE("a heap that was asked for is there at once", "[memory]") {
  Space test;
  const uint64_t free = page_allocator().free_pages();
  REQUIRE(test.space.start_heap(base, {.heap_size = 3 << 20, .map_heap = true}) == 0);
  CHECK(page_allocator().free_pages() <= free - 768);
  CHECK(test.space.set_break(base + (3 << 20)) == static_cast<Sysret>(base + (3 << 20)));
  CHECK(test.space.start_heap(base + (1ull << 30), {.heap_size = 1ull << 40, .map_heap = true}) == -ENOMEM);
}

TEST_CASE("a heap of large pages begins with one", "[memory]") {
  Space test;
  REQUIRE(test.space.start_heap(base, {.heap_size = 4 << 20, .large_pages = true}) == 0);
  REQUIRE(test.space.set_break(base + 100) == static_cast<Sysret>(base + 100));
  uint64_t contiguous = 0;
  const void* start = test.space.direct(base, large_page_size, 0, contiguous);
  REQUIRE(start != nullptr);
  CHECK(contiguous == large_page_size);
  CHECK(port::physical(start) % large_page_size == 0);
}

TEST_CASE("bad requests are refused with Linux's errno", "[memory]") {
  Space test;
  CHECK(map(test.space, 0, 0) == -EINVAL);
  CHECK(test.space.unmap(base + 1, page_size) == -EINVAL);
  CHECK(test.space.unmap(base, 0) == -EINVAL);
  CHECK(test.space.protect(base, page_size, read_write) == -ENOMEM);
  CHECK(test.space.remap(base, page_size, 2 * page_size, true, false, 0) == -EFAULT);
  AddressSpace::Request huge;
  huge.size = 1ull << 46;
  huge.protection = read_write;
  CHECK(test.space.map(huge) == -ENOMEM);
  huge.size = ~0ull - 100;
  CHECK(test.space.map(huge) == -ENOMEM);
}

TEST_CASE("all memory comes back when an address space goes", "[memory]") {
  testing::start_kernel();
  const uint64_t before = page_allocator().free_pages();
  {
    Space test;
    REQUIRE(map(test.space, 0, 600) > 0);
    REQUIRE(test.space.unmap(base + 100 * page_size, 7 * page_size) == 0);
    REQUIRE(test.space.protect(base + 200 * page_size, page_size, port::prot_read) == 0);
  }
  // The heap keeps its slabs; region-sized memory is back.
  CHECK(before - page_allocator().free_pages() < 64);
}

}  // namespace
}  // namespace hobbes::lwk
