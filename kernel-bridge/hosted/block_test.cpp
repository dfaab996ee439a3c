// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/block.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace hobbes::bridge {
namespace {

bool never() { return false; }

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

TEST_CASE("a prepared block is zero, aligned, and says what it is made of", "[hosted]") {
  Block block = Block::create(mib(4), any_numa).value();
  const std::string backing = block.prepare(never).value();
  CAPTURE(backing);
  CHECK((backing.starts_with("2 MiB pages") || backing.starts_with("4 KiB pages (collapse: ")));
  CHECK(reinterpret_cast<std::uintptr_t>(block.bytes().data()) % huge_page.value == 0);
  CHECK(block.bytes().size() == mib(4).value);
  CHECK(is_zero(block.bytes()));
}

TEST_CASE("a block that was not prepared has no huge pages", "[hosted]") {
  const Block block = Block::create(mib(2), any_numa).value();
  CHECK(block.describe_backing("not yet").value() == "4 KiB pages (not yet)");
}

TEST_CASE("nobody can resize a block under the others", "[hosted]") {
  const Block block = Block::create(mib(2), any_numa).value();
  CHECK(::ftruncate(block.fd(), 0) == -1);
  CHECK(::ftruncate(block.fd(), 1 << 22) == -1);
  CHECK(::fcntl(block.fd(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

TEST_CASE("a scrubbed block is zero", "[hosted]") {
  Block block = Block::create(mib(2), any_numa).value();
  REQUIRE(block.prepare(never));
  std::ranges::fill(block.bytes(), std::byte{0xa5});
  block.scrub();
  CHECK(is_zero(block.bytes()));
}

TEST_CASE("a received block shares its memory with the sender's", "[hosted]") {
  Block ours = Block::create(mib(2), any_numa).value();
  REQUIRE(ours.prepare(never));
  const Block theirs = Block::receive(UniqueFd(::dup(ours.fd())), mib(2), any_numa).value();
  ours.bytes()[5] = std::byte{7};
  CHECK(theirs.bytes()[5] == std::byte{7});
  CHECK(theirs.is_file(ours.fd()));
  CHECK(theirs.describe_backing({}).value() == ours.describe_backing({}).value());
}

TEST_CASE("a descriptor that could hurt its receiver is refused", "[hosted]") {
  UniqueFd unsealed(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(unsealed.get(), 1 << 21) == 0);
  CHECK(Block::receive(std::move(unsealed), mib(2), any_numa).error().code() == Code::invalid);
  CHECK_FALSE(Block::receive(UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC)), mib(2), any_numa));
  const Block small = Block::create(mib(2), any_numa).value();
  CHECK(Block::receive(UniqueFd(::dup(small.fd())), mib(4), any_numa).error().code() == Code::invalid);
}

TEST_CASE("a block size that is not made of huge pages is refused", "[hosted]") {
  CHECK(Block::create(mib(3), any_numa).error().code() == Code::invalid);
  CHECK(Block::create(Bytes(0), any_numa).error().code() == Code::invalid);
}

TEST_CASE("preparation stops when it is told to", "[hosted]") {
  Block block = Block::create(mib(4), any_numa).value();
  CHECK(block.prepare([] { return true; }).error().code() == Code::busy);
}

TEST_CASE("a NUMA node that does not exist is an error, not a default", "[hosted]") {
  Block block = Block::create(mib(2), NumaId(1023)).value();
  CHECK_FALSE(block.prepare(never));
}

}  // namespace hobbes::bridge
