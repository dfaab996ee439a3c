// SPDX-License-Identifier: Apache-2.0
#include "base/memfd.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace hobbes {

TEST_CASE("a memfd keeps its size and is nobody else's to open", "[base]") {
  const auto fd = make_memfd("test", 8192);
  REQUIRE(fd);
  struct stat status {};
  REQUIRE(::fstat(fd->get(), &status) == 0);
  CHECK(status.st_size == 8192);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(::ftruncate(fd->get(), 4096) == -1);
  CHECK(::ftruncate(fd->get(), 16384) == -1);
}

TEST_CASE("a memfd opened for reading cannot be written", "[base]") {
  const auto fd = make_memfd("test", 4096);
  REQUIRE(fd);
  const auto readable = reopen_for_reading(fd->get());
  REQUIRE(readable);
  REQUIRE(::pwrite(fd->get(), "x", 1, 0) == 1);
  char seen = 0;
  CHECK(::pread(readable->get(), &seen, 1, 0) == 1);
  CHECK(seen == 'x');
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, readable->get(), 0) == MAP_FAILED);
}

}  // namespace hobbes
