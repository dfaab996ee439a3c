// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/kernel/page_allocator.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

/// A directory of its own below /tmp for one test, and calls with C strings.
class Files {
 public:
  explicit Files(uint32_t uid = 0) : process_(nullptr, uid) {
    static int number = 0;
    directory_ = "/enclave/test" + std::to_string(++number);
    REQUIRE(make_directory("", 0777) == 0);
  }
  ~Files() { remove_all(""); }

  UserAddr path(const std::string& name) {
    return process_.text(name.empty() ? directory_.c_str() : (directory_ + "/" + name).c_str());
  }
  int open(const std::string& name, uint32_t flags, uint32_t mode = 0644) {
    return static_cast<int>(process_.call(sys_open, path(name), flags, mode));
  }
  Sysret make_directory(const std::string& name, uint32_t mode = 0755) {
    return process_.call(sys_mkdir, path(name), mode);
  }
  Sysret write(int fd, const std::string& text) {
    return process_.call(sys_write, fd, process_.put(text.data(), text.size()), text.size());
  }
  std::string read(int fd, uint64_t size) {
    const UserAddr to = process_.room(size);
    const Sysret got = process_.call(sys_read, fd, to, size);
    if (got < 0) return "error " + std::to_string(-got);
    std::string text(static_cast<size_t>(got), '\0');
    process_.get(text.data(), to, text.size());
    return text;
  }
  void make(const std::string& name, const std::string& text) {
    const int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, text) == static_cast<Sysret>(text.size()));
    REQUIRE(process_.call(sys_close, fd) == 0);
  }
  std::string contents(const std::string& name) {
    const int fd = open(name, O_RDONLY);
    if (fd < 0) return "error " + std::to_string(-fd);
    const std::string text = read(fd, 4096);
    (void)process_.call(sys_close, fd);
    return text;
  }
  LinuxStat status(const std::string& name) {
    const UserAddr to = process_.room(sizeof(LinuxStat));
    REQUIRE(process_.call(sys_lstat, path(name), to) == 0);
    return process_.get<LinuxStat>(to);
  }
  std::vector<std::string> list(const std::string& name, uint64_t room = 4096) {
    std::vector<std::string> names;
    const int fd = open(name, O_RDONLY | O_DIRECTORY);
    REQUIRE(fd >= 0);
    const UserAddr to = process_.room(room);
    while (true) {
      const Sysret got = process_.call(sys_getdents64, fd, to, room);
      REQUIRE(got >= 0);
      if (got == 0) break;
      for (uint64_t at = 0; at < static_cast<uint64_t>(got);) {
        const auto entry = process_.get<LinuxDirent>(to + at);
        std::string text(entry.record_size - sizeof(entry), '\0');
        process_.get(text.data(), to + at + sizeof(entry), text.size());
        names.emplace_back(text.c_str());
        at += entry.record_size;
      }
    }
    (void)process_.call(sys_close, fd);
    return names;
  }
  template <typename... Values>
  Sysret call(SyscallHandler handler, Values... values) {
    return process_.call(handler, values...);
  }
  TestProcess& process() { return process_; }
  const std::string& directory() const { return directory_; }

 private:
  void remove_all(const std::string& name) {
    for (const std::string& entry : list(name)) {
      if (entry == "." || entry == "..") continue;
      const std::string child = name.empty() ? entry : name + "/" + entry;
      if (is_directory(status(child).mode)) remove_all(child);
      else (void)call(sys_unlink, path(child));
    }
    (void)call(sys_rmdir, path(name));
  }

  TestProcess process_;
  std::string directory_;
};

TEST_CASE("a file keeps what is written to it", "[tmpfs]") {
  Files files;
  const int fd = files.open("a", O_CREAT | O_RDWR);
  REQUIRE(fd >= 0);
  CHECK(files.write(fd, "hello") == 5);
  CHECK(files.call(sys_lseek, fd, 0, SEEK_SET) == 0);
  CHECK(files.read(fd, 100) == "hello");
  CHECK(files.read(fd, 100).empty());
  CHECK(files.contents("a") == "hello");
  CHECK(files.status("a").mode == (S_IFREG | 0644));
}

TEST_CASE("the mask takes permissions from new files", "[tmpfs]") {
  Files files;
  CHECK(files.call(sys_umask, 077) == 022);
  CHECK(files.open("a", O_CREAT | O_RDWR, 0666) >= 0);
  CHECK(files.status("a").mode == (S_IFREG | 0600));
}

TEST_CASE("flags of open mean what they say", "[tmpfs]") {
  Files files;
  files.make("a", "old");
  CHECK(files.open("a", O_CREAT | O_EXCL | O_RDWR) == -EEXIST);
  CHECK(files.open("b", O_RDONLY) == -ENOENT);
  CHECK(files.open("a/b", O_RDONLY) == -ENOTDIR);
  CHECK(files.open("a/", O_RDONLY) == -ENOTDIR);
  CHECK(files.open("a", O_RDONLY | O_DIRECTORY) == -ENOTDIR);
  CHECK(files.open("", O_RDWR) == -EISDIR);
  CHECK(files.open("n/", O_CREAT | O_RDWR) == -EISDIR);
  CHECK(files.open("missing/n", O_CREAT | O_RDWR) == -ENOENT);
  const int appending = files.open("a", O_WRONLY | O_APPEND);
  CHECK(files.write(appending, "er") == 2);
  CHECK(files.contents("a") == "older");
  CHECK(files.open("a", O_WRONLY | O_TRUNC) >= 0);
  CHECK(files.contents("a").empty());
  CHECK(files.read(appending, 1) == "error 9");
}

TEST_CASE("a hole reads as zeros, however far behind it is written", "[tmpfs]") {
  constexpr int64_t far = 1ll << 40;
  Files files;
  const int fd = files.open("a", O_CREAT | O_RDWR);
  CHECK(files.call(sys_pwrite64, fd, files.process().text("end"), 3, far) == 3);
  CHECK(files.status("a").size == far + 3);
  CHECK(files.status("a").blocks == 8);
  CHECK(files.call(sys_lseek, fd, far - 2, SEEK_SET) == far - 2);
  CHECK(files.read(fd, 10) == std::string("\0\0end", 5));
  CHECK(files.call(sys_pread64, fd, files.process().room(8), 8, -1) == -EINVAL);
}

TEST_CASE("a shortened file has lost its end for good", "[tmpfs]") {
  Files files;
  files.make("a", std::string(10000, 'x'));
  CHECK(files.call(sys_truncate, files.path("a"), 4) == 0);
  CHECK(files.call(sys_truncate, files.path("a"), 8) == 0);
  CHECK(files.contents("a") == std::string("xxxx\0\0\0\0", 8));
  CHECK(files.status("a").blocks == 8);
  CHECK(files.call(sys_truncate, files.path(""), 4) == -EISDIR);
}

TEST_CASE("a removed file lives while it is open", "[tmpfs]") {
  Files files;
  files.make("a", "still here");
  const int fd = files.open("a", O_RDONLY);
  CHECK(files.call(sys_unlink, files.path("a")) == 0);
  CHECK(files.open("a", O_RDONLY) == -ENOENT);
  CHECK(files.read(fd, 100) == "still here");
}

TEST_CASE("hard links are the same file", "[tmpfs]") {
  Files files;
  files.make("a", "one");
  CHECK(files.call(sys_link, files.path("a"), files.path("b")) == 0);
  CHECK(files.status("b").nlink == 2);
  CHECK(files.status("b").ino == files.status("a").ino);
  CHECK(files.call(sys_link, files.path("a"), files.path("b")) == -EEXIST);
  CHECK(files.call(sys_link, files.path(""), files.path("c")) == -EPERM);
  CHECK(files.call(sys_unlink, files.path("a")) == 0);
  CHECK(files.status("b").nlink == 1);
  CHECK(files.contents("b") == "one");
}

TEST_CASE("directories count their links and go only when empty", "[tmpfs]") {
  Files files;
  CHECK(files.make_directory("d") == 0);
  CHECK(files.make_directory("d/e") == 0);
  CHECK(files.status("d").nlink == 3);
  CHECK(files.call(sys_rmdir, files.path("d")) == -ENOTEMPTY);
  CHECK(files.call(sys_unlink, files.path("d")) == -EISDIR);
  CHECK(files.call(sys_rmdir, files.path("d/e")) == 0);
  CHECK(files.status("d").nlink == 2);
  CHECK(files.call(sys_rmdir, files.path("d")) == 0);
  files.make("f", "");
  CHECK(files.call(sys_rmdir, files.path("f")) == -ENOTDIR);
  CHECK(files.call(sys_rmdir, files.process().text("/enclave")) == -EBUSY);
}

TEST_CASE("rename replaces what it may and nothing else", "[tmpfs]") {
  Files files;
  files.make("a", "a");
  files.make("b", "b");
  CHECK(files.make_directory("d") == 0);
  CHECK(files.make_directory("e") == 0);
  files.make("e/f", "f");
  CHECK(files.call(sys_rename, files.path("a"), files.path("b")) == 0);
  CHECK(files.contents("b") == "a");
  CHECK(files.open("a", O_RDONLY) == -ENOENT);
  CHECK(files.call(sys_rename, files.path("b"), files.path("d")) == -EISDIR);
  CHECK(files.call(sys_rename, files.path("d"), files.path("b")) == -ENOTDIR);
  CHECK(files.call(sys_rename, files.path("d"), files.path("e")) == -ENOTEMPTY);
  CHECK(files.call(sys_rename, files.path("d"), files.path("d/g")) == -EINVAL);
  CHECK(files.call(sys_rename, files.path("e"), files.path("d")) == 0);
  CHECK(files.contents("d/f") == "f");
  CHECK(files.call(sys_renameat2, AT_FDCWD, files.path("b"), AT_FDCWD, files.path("d"), RENAME_NOREPLACE) == -EEXIST);
  CHECK(files.call(sys_renameat2, AT_FDCWD, files.path("b"), AT_FDCWD, files.path("d"), RENAME_EXCHANGE) == 0);
  CHECK(files.contents("d") == "a");
  CHECK(files.contents("b/f") == "f");
  CHECK(files.call(sys_rename, files.path("d"), files.process().text("/dev/d")) == -EXDEV);
}

TEST_CASE("symbolic links are followed, within reason", "[tmpfs]") {
  Files files;
  CHECK(files.make_directory("d") == 0);
  files.make("d/f", "found");
  CHECK(files.call(sys_symlink, files.process().text("d"), files.path("l")) == 0);
  CHECK(files.call(sys_symlink, files.process().text("../l/f"), files.path("d/back")) == 0);
  CHECK(files.contents("l/f") == "found");
  CHECK(files.contents("l/back") == "found");
  CHECK(files.call(sys_symlink, files.process().text("loop"), files.path("loop")) == 0);
  CHECK(files.open("loop", O_RDONLY) == -ELOOP);
  CHECK(files.open("l", O_RDONLY | O_NOFOLLOW) == -ELOOP);
  CHECK(files.open("l", O_CREAT | O_EXCL | O_RDWR) == -EEXIST);
  CHECK(is_link(files.status("l").mode));
  CHECK(files.status("l").size == 1);
  CHECK(is_directory(files.status("l/").mode));
  const UserAddr to = files.process().room(16);
  CHECK(files.call(sys_readlink, files.path("l"), to, 16) == 1);
  CHECK(files.call(sys_readlink, files.path("d"), to, 16) == -EINVAL);
  CHECK(files.call(sys_symlink, files.process().text("new"), files.path("dangling")) == 0);
  files.make("dangling", "made");
  CHECK(files.contents("new") == "made");
}

TEST_CASE("a directory lists each name once, while others come and go", "[tmpfs]") {
  Files files;
  std::set<std::string> expected{".", ".."};
  for (int i = 0; i < 100; ++i) {
    files.make("file" + std::to_string(i), "");
    expected.insert("file" + std::to_string(i));
  }
  const std::vector<std::string> names = files.list("", 100);
  CHECK(std::set<std::string>(names.begin(), names.end()) == expected);
  CHECK(names.size() == expected.size());

  const int fd = files.open("", O_RDONLY);
  const UserAddr to = files.process().room(64);
  CHECK(files.call(sys_getdents64, fd, to, 64) == 48);  // "." and ".."
  CHECK(files.call(sys_unlink, files.path("file0")) == 0);
  CHECK(files.call(sys_getdents64, fd, to, 32) == 32);
  const auto entry = files.process().get<LinuxDirent>(to);
  CHECK(entry.type == entry_type(S_IFREG));
  CHECK(files.call(sys_getdents64, fd, to, 8) == -EINVAL);
}

TEST_CASE("other users are kept to the mode bits, and to their own files where the directory is sticky", "[tmpfs]") {
  Files owner(1000);
  owner.make("a", "mine");
  CHECK(owner.call(sys_chmod, owner.path("a"), 0600) == 0);
  CHECK(owner.call(sys_chmod, owner.path(""), 01777) == 0);
  const std::string path = owner.directory() + "/a";
  {
    TestProcess other(nullptr, 2000);
    const UserAddr name = other.text(path.c_str());
    CHECK(other.call(sys_open, name, O_RDONLY, 0) == -EACCES);
    CHECK(other.call(sys_unlink, name) == -EPERM);
    CHECK(other.call(sys_chmod, name, 0666) == -EPERM);
    CHECK(other.call(sys_chown, name, 2000, 2000) == -EPERM);
    CHECK(other.call(sys_access, name, access_read) == -EACCES);
    CHECK(other.call(sys_access, name, access_exists) == 0);
  }
  TestProcess root;
  CHECK(root.call(sys_chown, root.text(path.c_str()), 2000, 2000) == 0);
}

TEST_CASE("times are set and told", "[tmpfs]") {
  Files files;
  files.make("a", "");
  const int64_t times[4] = {1, 2, 3, (1 << 30) - 2 /* UTIME_OMIT */};
  const int64_t before = files.status("a").mtime;
  CHECK(files.call(sys_utimensat, AT_FDCWD, files.path("a"), files.process().put(times, sizeof(times)), 0) == 0);
  CHECK(files.status("a").atime == 1);
  CHECK(files.status("a").atime_ns == 2);
  CHECK(files.status("a").mtime == before);
}

TEST_CASE("out of memory is no space left, and what was written stays", "[tmpfs]") {
  Files files;
  const int fd = files.open("a", O_CREAT | O_RDWR);
  const UserAddr from = files.process().room(8 * page_size);
  std::vector<PhysAddr> taken;
  while (const PhysAddr page = page_allocator().allocate(0, false)) taken.push_back(page);
  for (int left = 0; left < 4; ++left) {
    page_allocator().free(taken.back(), page_size);
    taken.pop_back();
  }
  const Sysret put = files.call(sys_write, fd, from, 8 * page_size);
  const Sysret more = files.call(sys_write, fd, from, page_size);
  for (const PhysAddr page : taken) page_allocator().free(page, page_size);
  CHECK(put > 0);
  CHECK(put < static_cast<Sysret>(8 * page_size));
  CHECK(more == -ENOSPC);
  CHECK(files.status("a").size == put);
}

TEST_CASE("the working directory is where relative paths start", "[tmpfs]") {
  Files files;
  CHECK(files.make_directory("d") == 0);
  files.make("d/f", "here");
  CHECK(files.call(sys_chdir, files.path("d/f")) == -ENOTDIR);
  CHECK(files.call(sys_chdir, files.path("d")) == 0);
  CHECK(files.call(sys_open, files.process().text("f"), O_RDONLY, 0) >= 0);
  CHECK(files.call(sys_open, files.process().text("../d/f"), O_RDONLY, 0) >= 0);
  CHECK(files.call(sys_getcwd, files.process().room(4), 4) == -ERANGE);
  const Sysret directory = files.call(sys_open, files.path("d"), O_RDONLY | O_DIRECTORY, 0);
  CHECK(files.call(sys_chdir, files.process().text("/enclave")) == 0);
  CHECK(files.call(sys_openat, directory, files.process().text("f"), O_RDONLY, 0) >= 0);
  CHECK(files.call(sys_fchdir, directory) == 0);
  CHECK(files.call(sys_open, files.process().text("f"), O_RDONLY, 0) >= 0);
}

TEST_CASE("sendfile and copy_file_range copy, and move what they should", "[tmpfs]") {
  Files files;
  const std::string text(200000, 'y');
  files.make("a", text);
  const int from = files.open("a", O_RDONLY), to = files.open("b", O_CREAT | O_RDWR);
  CHECK(files.call(sys_sendfile, to, from, 0, 1 << 30) == 200000);
  CHECK(files.call(sys_lseek, from, 0, SEEK_CUR) == 200000);
  CHECK(files.status("b").size == 200000);
  const int64_t offset = 199990;
  const UserAddr moved = files.process().put(&offset, sizeof(offset));
  CHECK(files.call(sys_copy_file_range, from, moved, to, 0, 100, 0) == 10);
  CHECK(files.process().get<int64_t>(moved) == 200000);
  CHECK(files.status("b").size == 200010);
}

TEST_CASE("without host I/O the root shows the enclave's own mounts and nothing else", "[namespace]") {
  TestProcess process;
  const Sysret fd = process.call(sys_open, process.text("/"), O_RDONLY, 0);
  REQUIRE(fd >= 0);
  CHECK(process.call(sys_getdents64, fd, process.room(1024), 1024) > 0);
  CHECK(process.call(sys_open, process.text("/etc/passwd"), O_RDONLY, 0) == -ENOENT);
  CHECK(process.call(sys_open, process.text("/new"), O_CREAT | O_RDWR, 0) == -EROFS);
  CHECK(process.call(sys_open, process.text("/../../tmp/.."), O_RDONLY, 0) >= 0);
  FileRef file;
  CHECK(control_open("/etc/passwd", {}, O_RDONLY, 0, file) == -EXDEV);
  CHECK(control_open("/proc/version", {}, O_RDONLY, 0, file) == 0);
}

TEST_CASE("the kernel opens files on behalf of a user, with his rights", "[namespace]") {
  const TestProcess process;
  constexpr Behalf user{.uid = 1001, .gid = 1002}, other{.uid = 1003, .gid = 1003};
  FileRef file;
  REQUIRE(control_open("/enclave/private", user, O_CREAT | O_WRONLY, 0600, file) == 0);
  FileStatus status;
  REQUIRE(status_of(*file, status) == 0);
  CHECK(status.uid == 1001);
  CHECK(status.gid == 1002);
  CHECK(control_open("/enclave/private", user, O_RDONLY, 0, file) == 0);
  CHECK(control_open("/enclave/private", other, O_RDONLY, 0, file) == -EACCES);
  CHECK(control_open("/enclave/private", {}, O_RDONLY, 0, file) == 0);
}

TEST_CASE("devices behave as their names promise", "[devfs]") {
  TestProcess process;
  const UserAddr memory = process.text("some");
  const Sysret null = process.call(sys_open, process.text("/dev/null"), O_RDWR, 0);
  CHECK(process.call(sys_write, null, memory, 4) == 4);
  CHECK(process.call(sys_read, null, memory, 4) == 0);
  const Sysret zero = process.call(sys_open, process.text("/dev/zero"), O_RDWR, 0);
  CHECK(process.call(sys_read, zero, memory, 4) == 4);
  CHECK(process.get<uint32_t>(memory) == 0);
  const Sysret full = process.call(sys_open, process.text("/dev/full"), O_RDWR, 0);
  CHECK(process.call(sys_write, full, memory, 4) == -ENOSPC);
  CHECK(process.call(sys_open, process.text("/dev/sda"), O_RDONLY, 0) == -ENOENT);
  CHECK(process.call(sys_open, process.text("/dev/null/x"), O_RDONLY, 0) == -ENOTDIR);
  CHECK(process.call(sys_open, process.text("/dev/shm/x"), O_CREAT | O_RDWR, 0600) >= 0);
  CHECK(process.call(sys_unlink, process.text("/dev/shm/x")) == 0);
  CHECK(process.call(sys_unlink, process.text("/dev/null")) == -EPERM);
}

}  // namespace
}  // namespace hobbes::lwk::fs
