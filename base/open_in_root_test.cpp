// SPDX-License-Identifier: Apache-2.0
#include "base/open_in_root.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <string>

#include "base/test_dir.hpp"
#include "base/unique_fd.hpp"

using namespace hobbes;

namespace {

/// What a path below `root` reads, or its errno.
std::string content(int root, const char* path) {
  const int fd = open_in_root(root, path, {.flags = O_RDONLY | O_CLOEXEC, .mode = 0, .resolve = 0});
  if (fd < 0) return std::to_string(-fd);
  const UniqueFd file(fd);
  char text[16] = {};
  return ::read(fd, text, sizeof text - 1) >= 0 ? text : "unreadable";
}

}  // namespace

TEST_CASE("no path leads out of the root", "[base]") {
  const TestDir dir;
  const auto inside = dir.path() / "root";
  std::filesystem::create_directories(inside / "etc");
  std::ofstream(dir.path() / "secret") << "outside";
  std::ofstream(inside / "etc" / "secret") << "inside";
  std::filesystem::create_symlink("/etc/secret", inside / "absolute");
  std::filesystem::create_symlink("../../secret", inside / "etc" / "up");
  const UniqueFd root(::open(inside.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(root);

  CHECK(content(root.get(), "/etc/secret") == "inside");
  CHECK(content(root.get(), "/../../etc/secret") == "inside");
  CHECK(content(root.get(), "/absolute") == "inside");
  CHECK(content(root.get(), "/../secret") == std::to_string(ENOENT));
  CHECK(content(root.get(), "/etc/up") == std::to_string(ENOENT));
}
