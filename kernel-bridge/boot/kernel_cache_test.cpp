// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/kernel_cache.hpp"

#include <catch2/catch.hpp>

#include "kernel-bridge/boot/tiny_kernel.hpp"
#include "base/test_dir.hpp"

namespace hobbes::bridge {

TEST_CASE("an image is read once, and again when its file changed", "[hosted]") {
  const TestDir dir;
  const auto file = dir.path() / "kernel";
  write_tiny_kernel(file, 4);
  KernelCache cache(HOBBES_HOSTED_KERNEL_BASE);
  const auto first = cache.get(file).value();
  CHECK(cache.get(file).value() == first);

  write_tiny_kernel(dir.path() / "new", 8192);
  std::filesystem::rename(dir.path() / "new", file);
  const auto second = cache.get(file).value();
  CHECK(second != first);
  CHECK(second->layout().size == Bytes(8192));
  // Who boots from the old one still has it.
  CHECK(first->layout().size == Bytes(4096));

  std::filesystem::remove(file);
  CHECK_FALSE(cache.get(file));
}

}  // namespace hobbes::bridge
