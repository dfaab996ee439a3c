// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/copy.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"

using namespace hobbes;
using namespace hobbes::client;

namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  unsigned value = 7;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>((value = value * 1103515245 + 12345) >> 16);
  return bytes;
}

UniqueFd file_with(const std::vector<std::byte>& bytes) {
  UniqueFd file(::memfd_create("copy_test", MFD_CLOEXEC));
  REQUIRE(write_all(file.get(), bytes, "file"));
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  return file;
}

std::vector<std::byte> content(int fd) {
  std::vector<std::byte> bytes(1 << 16);
  std::vector<std::byte> all;
  while (const std::size_t count = *read_some(fd, bytes, "file")) all.insert(all.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  return all;
}

struct Pipe {
  explicit Pipe(int flags = O_CLOEXEC) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), flags) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  UniqueFd reader, writer;
};

const std::size_t size = 3 * 1024 * 1024 + 17;

}  // namespace

TEST_CASE("a file is copied to a file byte by byte", "[client]") {
  const auto bytes = pattern(size);
  const UniqueFd in = file_with(bytes);
  const UniqueFd out = file_with({});
  CHECK(*copy_all(in.get(), out.get(), "copy") == size);
  REQUIRE(::lseek(out.get(), 0, SEEK_SET) == 0);
  CHECK(content(out.get()) == bytes);
}

TEST_CASE("a file is copied through a pipe, blocking or not", "[client]") {
  const int flags = GENERATE(O_CLOEXEC, O_CLOEXEC | O_NONBLOCK);
  const auto bytes = pattern(size);
  const UniqueFd in = file_with(bytes);
  Pipe pipe(flags);
  std::thread writer([&] {
    const auto copied = copy_all(in.get(), pipe.writer.get(), "copy");
    pipe.writer.reset();
    if (!copied || *copied != size) std::abort();
  });
  const UniqueFd out = file_with({});
  CHECK(*copy_all(pipe.reader.get(), out.get(), "copy") == size);
  writer.join();
  REQUIRE(::lseek(out.get(), 0, SEEK_SET) == 0);
  CHECK(content(out.get()) == bytes);
}

TEST_CASE("what is appended stands behind what was there", "[client]") {
  const auto bytes = pattern(5000);
  const UniqueFd in = file_with(bytes);
  const UniqueFd out = file_with(pattern(10));
  REQUIRE(::fcntl(out.get(), F_SETFL, O_APPEND) == 0);
  CHECK(*copy_all(in.get(), out.get(), "copy") == bytes.size());
  REQUIRE(::lseek(out.get(), 10, SEEK_SET) == 10);
  CHECK(content(out.get()) == bytes);
}

TEST_CASE("a file that claims to be empty is read all the same", "[client]") {
  const UniqueFd in(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  const UniqueFd out = file_with({});
  CHECK(*copy_all(in.get(), out.get(), "copy") > 0);
}

TEST_CASE("an error of a copy carries its errno and names the file", "[client]") {
  const UniqueFd in = file_with(pattern(10));
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const auto copied = copy_all(in.get(), full.get(), "'/x'");
  REQUIRE_FALSE(copied);
  CHECK(copied.error().sys_errno() == ENOSPC);
  CHECK(copied.error().text() == "'/x': No space left on device");
}

TEST_CASE("a copy that would wait ends when it is interrupted", "[client]") {
  Pipe data, interrupt;
  REQUIRE(write_all(interrupt.writer.get(), pattern(1), "interrupt"));
  const UniqueFd out = file_with({});
  std::vector<std::byte> buffer(10);
  CHECK(copy_all(data.reader.get(), out.get(), "copy", interrupt.reader.get()).error().sys_errno() == EINTR);
  CHECK(read_some(data.reader.get(), buffer, "pipe", interrupt.reader.get()).error().sys_errno() == EINTR);
  CHECK(write_all(data.writer.get(), pattern(1), "pipe", interrupt.reader.get()).error().sys_errno() == EINTR);
}
