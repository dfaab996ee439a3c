// SPDX-License-Identifier: Apache-2.0
// RunDir: see the header. The lock is a flock on a file that holds the owner's process id; the kernel drops it when the
// daemon dies, however it dies.
#include "leviathan/run_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

namespace hobbes::leviathan {
namespace {

namespace fs = std::filesystem;

constexpr mode_t mode_for_owner = 0700;
constexpr mode_t mode_for_readers = 0750;
constexpr mode_t mode_of_lock = 0640;
constexpr std::size_t longest_pid = 16;

constexpr const char* database_name = "resources.mdb";

/// What leviathan and its parts make in a run directory; the lock last, so that it is held until the rest is gone.
constexpr std::array ours{socket_name, enclaves_dir_name, "apps", database_name, "resources.mdb-lock", "change",
                          "writer.lock", lock_name};

Status make(const fs::path& path, std::optional<gid_t> readers) {
  if (::mkdir(path.c_str(), mode_for_owner) != 0) {
    if (errno == EEXIST) return {};
    return last_errno("run directory: " + path.string());
  }
  if (!readers || ::chown(path.c_str(), static_cast<uid_t>(-1), *readers) != 0) return {};  // ours alone, then
  if (::chmod(path.c_str(), mode_for_readers) != 0) return last_errno("run directory: " + path.string());
  return {};
}

Status check(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return last_errno("run directory: " + path.string());
  if (!S_ISDIR(status.st_mode)) return Error(Code::invalid, "run directory: " + path.string() + ": is not a directory");
  if (status.st_uid != ::geteuid()) {
    return Error(Code::denied, "run directory: " + path.string() + ": belongs to user " +
                                   std::to_string(status.st_uid) + ", not to us");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Code::denied, "run directory: " + path.string() + ": others may write there; make it mode 0750");
  }
  return {};
}

std::string holder(int lock) {
  char text[longest_pid] = {};
  const ssize_t length = ::pread(lock, text, sizeof text - 1, 0);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : "unknown";
}

Result<UniqueFd> lock(const fs::path& path) {
  const fs::path file = path / lock_name;
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode_of_lock));
  if (!fd) return last_errno("lock: " + file.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return last_errno("lock: " + file.string());
    return Error(Code::busy, "run directory: " + path.string() + ": leviathan runs here already, as process " +
                                 holder(fd.get()));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return last_errno("lock: " + file.string());
  }
  return fd;
}

}  // namespace

Result<RunDir> RunDir::open(const fs::path& path, std::optional<gid_t> readers) {
  std::error_code failed;
  const fs::path absolute = fs::absolute(path, failed);
  if (failed) return errno_error(failed.value(), "run directory: " + path.string());
  TRY(make(absolute, readers));
  TRY(check(absolute));
  return RunDir(absolute, TRY(lock(absolute)));
}

bool RunDir::has_database() const {
  std::error_code failed;
  return fs::exists(path_ / database_name, failed);
}

void RunDir::remove() && {
  std::error_code ignored;  // what cannot be removed stays: there is nobody to tell that could do more
  for (const char* name : ours) fs::remove_all(path_ / name, ignored);
  ::rmdir(path_.c_str());  // fails, as it should, when somebody else keeps files there
  lock_.reset();
}

}  // namespace hobbes::leviathan
