// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/block_map.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <thread>

#include "base/unique_fd.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/test_client.hpp"

namespace hobbes::host_io {
namespace {

constexpr std::uint64_t base = HOBBES_HOSTED_FIRST_BLOCK;
constexpr std::uint64_t size = 64 << 10;

class Memory {
 public:
  explicit Memory(std::uint64_t bytes) : fd_(::memfd_create("block", MFD_CLOEXEC)) {
    REQUIRE(::ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0);
  }
  [[nodiscard]] BlockOption at(std::uint64_t physical, std::uint64_t bytes = size) const {
    return {.base = physical, .size = Bytes(bytes), .fd = fd_.get()};
  }

 private:
  UniqueFd fd_;
};

BlockMap map(const std::vector<BlockOption>& blocks) { return BlockMap::create(blocks, test_direct_map()).value(); }
std::uint64_t direct(std::uint64_t physical) { return test_direct_map() + physical; }
bool never() { return false; }

TEST_CASE("blocks that cannot be mapped are refused", "[host-io]") {
  const Memory memory(size);
  const auto refused = [&](const std::vector<BlockOption>& blocks) {
    return !BlockMap::create(blocks, test_direct_map()).has_value();
  };
  CHECK(refused({memory.at(base + 1)}));
  CHECK(refused({memory.at(base, size - 1)}));
  CHECK(refused({memory.at(base, 2 * size)}));
  CHECK(refused({memory.at(base, 0)}));
  CHECK(refused({memory.at(HOBBES_HOSTED_DIRECT_SIZE - size)}));
  CHECK(refused({memory.at(0ULL - size)}));
  CHECK(refused({memory.at(base), memory.at(base + size / 2)}));
  CHECK(refused({{.base = base, .size = Bytes(size), .fd = -1}}));
  CHECK_FALSE(refused({memory.at(base), memory.at(base + size)}));
}

TEST_CASE("a range is covered if all of it lies in blocks", "[host-io]") {
  const Memory memory(size);
  const BlockMap blocks = map({memory.at(base + size), memory.at(base), memory.at(base + 3 * size)});
  BlockMap::Pins pins(blocks);
  CHECK(pins.cover(direct(base), 2 * size));
  CHECK(pins.cover(direct(base + size - 1), 2));
  CHECK(pins.cover(direct(base + 3 * size), size));
  CHECK(pins.cover(0, 0));
  CHECK_FALSE(pins.cover(direct(base), 2 * size + 1));
  CHECK_FALSE(pins.cover(direct(base + 2 * size), 1));
  CHECK_FALSE(pins.cover(direct(base) - 1, 1));
  CHECK_FALSE(pins.cover(direct(base), UINT64_MAX));
  CHECK_FALSE(pins.cover(reinterpret_cast<std::uintptr_t>(&pins), 1));
}

TEST_CASE("a string may cross from one block into the next, and must end", "[host-io]") {
  const Memory memory(size);
  const Memory other(size);
  const BlockMap blocks = map({memory.at(base), other.at(base + size)});
  BlockMap::Pins pins(blocks);
  const std::string text = "crossing";
  REQUIRE(pins.copy_out(direct(base + size - 4), text.c_str(), text.size() + 1));
  char copy[16] = {};
  CHECK(pins.copy_string(copy, direct(base + size - 4), sizeof copy) == 0);
  CHECK(text == copy);
  CHECK(pins.copy_string(copy, direct(base + size - 4), text.size()) == -ENAMETOOLONG);
  REQUIRE(pins.copy_out(direct(base + 2 * size - 4), "abcd", 4));
  CHECK(pins.copy_string(copy, direct(base + 2 * size - 4), sizeof copy) == -EFAULT);
}

TEST_CASE("a forgotten block is not there any more", "[host-io]") {
  const Memory memory(size);
  BlockMap blocks = map({memory.at(base), memory.at(base + size)});
  CHECK(blocks.forget(base, size / 2, never) == -EINVAL);
  CHECK(blocks.forget(base + 4096, size - 4096, never) == -EINVAL);
  CHECK(blocks.forget(0, size, never) == -EINVAL);
  CHECK(blocks.forget(base, size, never) == 0);
  CHECK(blocks.forget(base, size, never) == -EINVAL);
  BlockMap::Pins pins(blocks);
  CHECK_FALSE(pins.cover(direct(base), 1));
  CHECK(pins.cover(direct(base + size), 1));
}

TEST_CASE("blocks come while the map is used, and again after they were forgotten", "[host-io]") {
  const Memory memory(size);
  BlockMap blocks = map({memory.at(base + size)});
  const BlockMap::Pins before(blocks);
  CHECK_FALSE(BlockMap::Pins(blocks).cover(direct(base), 2 * size));
  REQUIRE(blocks.add(memory.at(base)));
  CHECK(BlockMap::Pins(blocks).cover(direct(base), 2 * size));
  CHECK_FALSE(blocks.add(memory.at(base)));  // it is there
  CHECK_FALSE(blocks.add(memory.at(base + 1)));
  REQUIRE(blocks.forget(base, size, never) == 0);
  CHECK_FALSE(BlockMap::Pins(blocks).cover(direct(base), 1));
  REQUIRE(blocks.add(memory.at(base)));
  CHECK(BlockMap::Pins(blocks).cover(direct(base), 2 * size));
}

TEST_CASE("a kept block stays", "[host-io]") {
  const Memory memory(size);
  BlockMap blocks = map({memory.at(base)});
  blocks.keep(base + 8192);
  CHECK(blocks.forget(base, size, never) == -EBUSY);
  CHECK(BlockMap::Pins(blocks).cover(direct(base), size));
}

TEST_CASE("a block is forgotten when its last user lets go", "[host-io]") {
  const Memory memory(size);
  BlockMap blocks = map({memory.at(base)});
  std::atomic<bool> asked = false;
  std::atomic<bool> let_go = false;
  int result = 1;
  bool waited = false;
  std::thread forgetter;
  {
    BlockMap::Pins pins(blocks);
    REQUIRE(pins.cover(direct(base), 1));
    forgetter = std::thread([&] {
      result = blocks.forget(base, size, [&] {
        asked = true;
        return false;
      });
      waited = let_go;
    });
    while (!asked) std::this_thread::yield();
    CHECK_FALSE(BlockMap::Pins(blocks).cover(direct(base), 1));
    let_go = true;
  }
  forgetter.join();
  CHECK(result == 0);
  CHECK(waited);
}

TEST_CASE("forgetting can be given up, and the block stays", "[host-io]") {
  const Memory memory(size);
  BlockMap blocks = map({memory.at(base)});
  BlockMap::Pins pins(blocks);
  REQUIRE(pins.cover(direct(base), 1));
  CHECK(blocks.forget(base, size, [] { return true; }) == -EINTR);
  CHECK(BlockMap::Pins(blocks).cover(direct(base), 1));
}

}  // namespace
}  // namespace hobbes::host_io
