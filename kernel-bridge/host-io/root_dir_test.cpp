// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/root_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kernel-bridge/host-io/test_tree.hpp"

namespace hobbes::host_io {
namespace {

namespace fs = std::filesystem;

/// outside: secret; root: file "inside", dir/deep, and symlinks of every kind.
struct Tree {
  TestTree top;
  RootDir root;

  Tree() : root(make()) {}

  RootDir make() {
    top.write("secret", "outside");
    fs::create_directories(top.path() / "root/dir/deep");
    top.write("root/inside", "inside");
    top.write("root/dir/file", "in dir");
    fs::create_symlink("../../secret", top.path() / "root/dir/dotdot");
    fs::create_symlink(top.path() / "secret", top.path() / "root/absolute");
    fs::create_symlink("/inside", top.path() / "root/dir/rooted");
    fs::create_symlink(top.path(), top.path() / "root/way-out");
    return RootDir::open(top / "root").value();
  }

  /// The content of what the path leads to, or the error.
  [[nodiscard]] std::string open(int dirfd, const std::string& path) const {
    return content(root.open_at(dirfd, path, O_RDONLY, 0));
  }
  [[nodiscard]] std::string open(const std::string& path) const { return open(AT_FDCWD, path); }
  [[nodiscard]] std::string follow(const std::string& path) const {
    SafePath safe;
    const int failed = root.follow(AT_FDCWD, path, safe);
    return content(failed != 0 ? failed : ::openat(safe.dirfd, safe.path.data(), O_RDONLY));
  }

 private:
  static std::string content(int fd) {
    if (fd < 0) return ::strerrorname_np(-fd);
    const UniqueFd owned(fd);
    char text[64];
    const ssize_t length = ::read(fd, text, sizeof text);
    return length < 0 ? "unreadable" : std::string(text, static_cast<std::size_t>(length));
  }
};

TEST_CASE("paths stay below the root", "[host-io]") {
  const Tree tree;
  CHECK(tree.open("/inside") == "inside");
  CHECK(tree.open("/dir/../inside") == "inside");
  CHECK(tree.open("/../../../inside") == "inside");
  CHECK(tree.open("/dir/rooted") == "inside");
  CHECK(tree.follow("/dir/rooted") == "inside");

  CHECK(tree.open("/../secret") == "ENOENT");
  CHECK(tree.open("/dir/dotdot") == "ENOENT");
  CHECK(tree.open("/absolute") == "ENOENT");
  CHECK(tree.open("/way-out/secret") == "ENOENT");
  CHECK(tree.open(tree.top / "secret") == "ENOENT");
  CHECK(tree.follow("/dir/dotdot") == "ENOENT");
  CHECK(tree.follow("/absolute") == "ENOENT");
}

TEST_CASE("a path starts at its directory descriptor and may climb to the root, no further", "[host-io]") {
  const Tree tree;
  const UniqueFd deep(::open((tree.top / "root/dir/deep").c_str(), O_RDONLY | O_DIRECTORY));
  const UniqueFd outside(::open(tree.top.path().c_str(), O_RDONLY | O_DIRECTORY));
  CHECK(tree.open(deep.get(), "../file") == "in dir");
  CHECK(tree.open(deep.get(), "../../inside") == "inside");
  CHECK(tree.open(deep.get(), "../../../inside") == "inside");
  CHECK(tree.open(deep.get(), "../../../secret") == "ENOENT");
  CHECK(tree.open(outside.get(), "secret") == "EACCES");
  CHECK(tree.open(outside.get(), "/inside") == "inside");
  CHECK(tree.open(-1, "inside") == "EBADF");
}

TEST_CASE("a directory whose name begins like the root's is outside of it", "[host-io]") {
  const Tree tree;
  fs::create_directory(tree.top.path() / "root-too");
  tree.top.write("root-too/inside", "another");
  const UniqueFd beside(::open((tree.top / "root-too").c_str(), O_RDONLY | O_DIRECTORY));
  CHECK(tree.open(beside.get(), "inside") == "EACCES");
}

TEST_CASE("magic links of /proc lead nowhere", "[host-io]") {
  const RootDir proc = RootDir::open("/proc").value();
  CHECK(proc.open_at(AT_FDCWD, "/self/root", O_RDONLY, 0) == -ELOOP);
  CHECK(proc.open_at(AT_FDCWD, "/self/root/etc/passwd", O_RDONLY, 0) == -ELOOP);
  CHECK(proc.open_at(AT_FDCWD, "/self/cwd/..", O_RDONLY, 0) == -ELOOP);
  SafePath safe;
  CHECK(proc.follow(AT_FDCWD, "/self/fd/0", safe) == -ELOOP);
  CHECK(proc.keep(AT_FDCWD, "/self/root/etc", safe) == -ELOOP);
}

TEST_CASE("keep names the last component and never follows it", "[host-io]") {
  const Tree tree;
  const auto inode = [&](const std::string& path) {
    SafePath safe;
    const int failed = tree.root.keep(AT_FDCWD, path, safe);
    struct stat found{};
    if (failed != 0 || ::fstatat(safe.dirfd, safe.path.data(), &found, AT_SYMLINK_NOFOLLOW) != 0) return ino_t{0};
    return found.st_ino;
  };
  const auto real = [&](const std::string& path) {
    struct stat found{};
    return ::lstat((tree.top / path).c_str(), &found) == 0 ? found.st_ino : ino_t{0};
  };
  CHECK(inode("/absolute") == real("root/absolute"));
  CHECK(inode("/dir/file") == real("root/dir/file"));
  CHECK(inode("/") == real("root"));
  CHECK(inode("/..") == real("root"));
  CHECK(inode("/dir/..") == real("root"));
  CHECK(inode("/dir/deep/../") == real("root/dir"));
  CHECK(inode("/dir///") == real("root/dir"));
  CHECK(inode("/way-out/secret") == 0);
}

TEST_CASE("a kept path with a slash at its end means a directory", "[host-io]") {
  const Tree tree;
  SafePath safe;
  CHECK(tree.root.keep(AT_FDCWD, "/inside/", safe) == -ENOTDIR);
  CHECK(tree.root.keep(AT_FDCWD, "/way-out/", safe) == -ENOTDIR);
  CHECK(tree.root.keep(AT_FDCWD, "/dir/", safe) == 0);
  CHECK(tree.root.keep(AT_FDCWD, "/new/", safe) == 0);
}

TEST_CASE("the root directory confines nothing", "[host-io]") {
  CHECK_FALSE(RootDir::open("/").value().confines());
  CHECK(RootDir::open("/proc").value().confines());
  CHECK_FALSE(RootDir::open("/nowhere/at/all").has_value());
}

}  // namespace
}  // namespace hobbes::host_io
