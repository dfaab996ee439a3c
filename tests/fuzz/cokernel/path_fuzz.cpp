// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is a working directory, the text of a symbolic link at /enclave/link, and paths, each ended by
// a NUL. Normalising is held against a plain model; then calls look the paths up in the enclave's own file systems.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "tests/fuzz/driver/driver.hpp"

#include <string>

namespace {

using namespace hobbes::lwk;
using hobbes::fuzz::require;

constexpr char link_path[] = "/enclave/link";

/// Up to the next NUL.
std::string next_text(const uint8_t*& at, const uint8_t* end) {
  std::string text;
  while (at < end && *at != 0) text += static_cast<char>(*at++);
  if (at < end) ++at;
  return text;
}

void append_model(std::vector<std::string>& components, const std::string& path) {
  for (size_t at = 0; at < path.size();) {
    const size_t end = min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    if (name != "..") components.push_back(name);
    else if (!components.empty()) components.pop_back();
  }
}

std::string model(const std::string& base, const std::string& path) {
  std::vector<std::string> components;
  if (path[0] != '/') append_model(components, base);
  append_model(components, path);
  std::string text;
  for (const std::string& component : components) text += "/" + component;
  return text.empty() ? "/" : text;
}

void check_normalising(const std::string& base, const std::string& path) {
  char to[path_limit + 1];
  to[path_limit] = 'x';
  const int error = fs::normalise_path(base.c_str(), path.c_str(), to);
  require(to[path_limit] == 'x', "a path was written behind its room");
  if (path.empty()) return require(error == -ENOENT, "an empty path was accepted");
  if (error == 0) require(model(base, path) == to, "a path was normalised wrongly");
  else require(error == -ENAMETOOLONG && base.size() + path.size() + 2 >= path_limit, "a path was refused");
}

/// Reads a file, or lists a directory, to its end.
void read_all(testing::TestProcess& process, Sysret fd) {
  constexpr uint64_t room = 4096;
  constexpr int most_reads = 64;  // /dev/zero has no end
  const UserAddr to = process.room(room);
  for (int i = 0; i < most_reads && process.call(fs::sys_getdents64, fd, to, room) > 0; ++i) {
  }
  for (int i = 0; i < most_reads && process.call(fs::sys_read, fd, to, room) > 0; ++i) {
  }
}

void look_up(testing::TestProcess& process, const std::string& path) {
  constexpr uint64_t room = 4096;
  const UserAddr text = process.text(path.c_str());
  const UserAddr to = process.room(room);
  const Sysret length = process.call(fs::sys_readlink, text, to, room);
  require(length <= static_cast<Sysret>(room), "a link is longer than there is room");
  (void)process.call(fs::sys_stat, text, to);
  (void)process.call(fs::sys_access, text, 4);
  const Sysret directory = process.call(fs::sys_open, text, fs::O_RDONLY | fs::O_DIRECTORY);
  const Sysret fd = process.call(fs::sys_open, text, fs::O_RDONLY | fs::O_NONBLOCK);
  if (fd >= 0) read_all(process, fd);
  if (directory >= 0) (void)process.call(fs::sys_fchdir, directory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  const uint8_t* at = data;
  const uint8_t* end = data + length;
  const std::string base = "/" + next_text(at, end).substr(0, path_limit - 2);
  const std::string target = next_text(at, end);
  testing::TestProcess process;
  char* cwd = process.process().cwd;
  cwd[base.copy(cwd, path_limit - 1)] = '\0';
  const UserAddr link = process.text(link_path);
  (void)process.call(fs::sys_symlink, process.text(target.c_str()), link);
  while (at < end) {
    const std::string path = next_text(at, end);
    check_normalising(base, path);
    look_up(process, path);
  }
  (void)process.call(fs::sys_unlink, link);
  return 0;
}
