// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/kernel.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace hobbes::lwk {
namespace {

constexpr uint64_t block_size = 8 << 20;

/// An allocator of its own over a block of the test kernel's memory.
struct Arena {
  Arena() {
    testing::start_kernel();
    REQUIRE(page_allocator().allocate_extents(0, 2 * block_size, true, extents, count) == 0);
    REQUIRE(count == 1);
    base = align_up(extents[0].base, large_page_size);
    memset(port::direct(base), 0, block_size);
    REQUIRE(allocator->add_block(base, block_size, 0) == 0);
  }
  ~Arena() {
    page_allocator().free(extents[0].base, extents[0].size);
    release(extents);
  }
  std::unique_ptr<PageAllocator> allocator = std::make_unique<PageAllocator>();
  Extent* extents = nullptr;
  uint32_t count = 0;
  PhysAddr base = 0;
};

TEST_CASE("a block that overlaps another, or the end of all addresses, is refused", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  CHECK(pages.add_block(arena.base, block_size, 0) == -EEXIST);
  CHECK(pages.add_block(arena.base + block_size - large_page_size, block_size, 0) == -EEXIST);
  CHECK(pages.add_block(arena.base + block_size, align_down(UINT64_MAX, large_page_size), 0) == -EINVAL);
  CHECK(pages.add_block(arena.base + block_size, align_down(UINT64_MAX, large_page_size) - arena.base, 0) == -EINVAL);
  CHECK(pages.add_block(arena.base + 1, block_size, 0) == -EINVAL);
}

TEST_CASE("pages that are given back merge to what they were", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  const uint64_t all = pages.free_pages();
  std::mt19937 random(7);
  std::vector<std::pair<PhysAddr, uint32_t>> held;
  for (int round = 0; round < 20000; ++round) {
    if (held.empty() || random() % 2 == 0) {
      const auto order = static_cast<uint32_t>(random() % 6);
      const PhysAddr at = pages.allocate(order, false);
      if (at == 0) continue;
      CHECK((at - arena.base) % (page_size << order) == 0);
      held.emplace_back(at, order);
    } else {
      std::swap(held[random() % held.size()], held.back());
      pages.free(held.back().first, page_size << held.back().second);
      held.pop_back();
    }
  }
  std::sort(held.begin(), held.end());
  for (size_t i = 1; i < held.size(); ++i) CHECK(held[i - 1].first + (page_size << held[i - 1].second) <= held[i].first);
  for (const auto& [at, order] : held) pages.free(at, page_size << order);
  CHECK(pages.free_pages() == all);
  const PhysAddr half = pages.allocate(10, false);  // 4 MiB of 8: only there if everything merged
  CHECK(half != 0);
  pages.free(half, page_size << 10);
}

TEST_CASE("memory that was written to is zero again when it is asked for as zero", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  const PhysAddr first = pages.allocate(3, true);
  memset(port::direct(first), 0x5a, page_size << 3);
  pages.free(first, page_size << 3);
  SECTION("at the allocation") {}
  SECTION("by then, in idle time") {
    while (pages.zero_some()) {
    }
  }
  std::vector<PhysAddr> all;
  for (PhysAddr at; (at = pages.allocate(0, true)) != 0;) {
    const auto* bytes = static_cast<const unsigned char*>(port::direct(at));
    REQUIRE(std::all_of(bytes, bytes + page_size, [](unsigned char byte) { return byte == 0; }));
    all.push_back(at);
  }
  CHECK(all.size() > 100);
  for (const PhysAddr at : all) pages.free(at, page_size);
}

TEST_CASE("a part of a chunk can be given back", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  const uint64_t all = pages.free_pages();
  const PhysAddr at = pages.allocate(4, false);
  pages.free(at + 3 * page_size, 5 * page_size);
  CHECK(pages.free_pages() == all - 11);
  pages.free(at, 3 * page_size);
  pages.free(at + 8 * page_size, 8 * page_size);
  CHECK(pages.free_pages() == all);
}

TEST_CASE("memory for a whole large page of addresses is a large page", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  const uint64_t start = large_page_size - 3 * page_size;  // of a mapping: three pages, a large one, and five more
  Extent* extents = nullptr;
  uint32_t count = 0;
  REQUIRE(pages.allocate_extents(start, large_page_size + 8 * page_size, true, extents, count) == 0);
  uint64_t address = start;
  for (uint32_t i = 0; i < count; ++i) {
    if (address <= large_page_size && large_page_size < address + extents[i].size) {
      const PhysAddr at = extents[i].base + (large_page_size - address);
      CHECK(at % large_page_size == 0);
      CHECK(extents[i].base + extents[i].size - at >= large_page_size);
    }
    address += extents[i].size;
  }
  CHECK(address == start + large_page_size + 8 * page_size);
  for (uint32_t i = 0; i < count; ++i) pages.free(extents[i].base, extents[i].size);
  release(extents);
}

TEST_CASE("blocks overlap with none, and leave only unused", "[pages]") {
  Arena arena;
  PageAllocator& pages = *arena.allocator;
  CHECK(pages.add_block(arena.base + large_page_size, large_page_size, 0) == -EEXIST);
  CHECK(pages.add_block(arena.base + 1, large_page_size, 0) == -EINVAL);
  CHECK(pages.remove_block(arena.base + large_page_size) == -ENOENT);
  CHECK(pages.remove_block(arena.base) == -EBUSY);  // the boot block stays
}

}  // namespace
}  // namespace hobbes::lwk
