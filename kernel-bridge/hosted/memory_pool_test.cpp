// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/memory_pool.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "kernel-bridge/abi/hosted.h"

namespace hobbes::bridge {

TEST_CASE("the pool makes whole blocks at addresses of their own", "[hosted]") {
  MemoryPool pool;
  const auto blocks = pool.provide(mib(9), mib(4)).value();
  REQUIRE(blocks.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(blocks[i].base == HOBBES_HOSTED_FIRST_BLOCK + i * mib(4).value);
    CHECK(pool.get(blocks[i].base).value()->size() == mib(4));
  }
  CHECK(pool.get(1).error().code() == Code::not_found);
}

TEST_CASE("several threads wait for blocks at once", "[hosted]") {
  MemoryPool pool;
  const auto blocks = pool.provide(mib(16), mib(4)).value();
  std::vector<std::string> backings(blocks.size());
  {
    std::vector<std::jthread> threads;
    // The last block first: whoever waits is served before the order of addresses.
    for (std::size_t i = blocks.size(); i-- > 0;)
      threads.emplace_back([&, i] { backings[i] = pool.backing(blocks[i].base).value(); });
  }
  CHECK(std::ranges::none_of(backings, &std::string::empty));
}

TEST_CASE("the pool goes at once though blocks are not prepared", "[hosted]") {
  MemoryPool pool;
  CHECK(pool.provide(mib(512), mib(128)));
}

TEST_CASE("more memory than the node has is refused", "[hosted]") {
  MemoryPool pool;
  const auto refused = pool.provide(gib(900), mib(128));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::exhausted);
  CHECK(pool.provide(gib(5000), mib(128)).error().code() == Code::invalid);
  CHECK(pool.get(HOBBES_HOSTED_FIRST_BLOCK).error().code() == Code::not_found);
}

TEST_CASE("a restored block is new, one that is there stays as it is", "[hosted]") {
  MemoryPool pool;
  const MemoryBlock block{HOBBES_HOSTED_FIRST_BLOCK, mib(2), any_numa, {}};
  REQUIRE(pool.restore(block));
  pool.get(block.base).value()->bytes()[0] = std::byte{1};
  REQUIRE(pool.restore(block));
  CHECK(pool.get(block.base).value()->bytes()[0] == std::byte{1});
}

TEST_CASE("blocks of adopted enclaves are taken in once and keep apart", "[hosted]") {
  MemoryPool pool;
  const Block theirs = Block::create(mib(4), any_numa).value();
  const auto fd = [&theirs] { return UniqueFd(::dup(theirs.fd())); };
  constexpr std::uint64_t base = HOBBES_HOSTED_FIRST_BLOCK + mib(8).value;
  REQUIRE(pool.take_in(base, fd(), mib(4)));
  CHECK(pool.take_in(base, fd(), mib(4)));

  const Block another = Block::create(mib(4), any_numa).value();
  CHECK(pool.take_in(base, UniqueFd(::dup(another.fd())), mib(4)).error().code() == Code::exists);
  CHECK(pool.take_in(base + mib(2).value, fd(), mib(4)).error().code() == Code::exists);
  CHECK(pool.take_in(base - mib(2).value, fd(), mib(4)).error().code() == Code::exists);
  CHECK(pool.take_in(base - mib(4).value, fd(), mib(4)));
  CHECK(pool.take_in(0, fd(), mib(4)).error().code() == Code::corrupt);
  CHECK(pool.take_in(HOBBES_HOSTED_DIRECT_SIZE - mib(2).value, fd(), mib(4)).error().code() == Code::corrupt);
}

}  // namespace hobbes::bridge
