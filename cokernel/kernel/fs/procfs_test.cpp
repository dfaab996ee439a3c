// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstring>
#include <string>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

std::string read_all(TestProcess& process, const char* path) {
  const Sysret fd = process.call(sys_open, process.text(path), O_RDONLY, 0);
  if (fd < 0) return "error " + std::to_string(-fd);
  std::string text(8192, '\0');
  const UserAddr to = process.room(text.size());
  const Sysret got = process.call(sys_read, fd, to, text.size());
  process.get(text.data(), to, text.size());
  (void)process.call(sys_close, fd);
  text.resize(static_cast<size_t>(got));
  return text;
}

std::string link_text(TestProcess& process, const char* path) {
  const UserAddr to = process.room(256);
  const Sysret length = process.call(sys_readlink, process.text(path), to, 256);
  if (length < 0) return "error " + std::to_string(-length);
  std::string text(static_cast<size_t>(length), '\0');
  process.get(text.data(), to, text.size());
  return text;
}

TEST_CASE("/proc/self tells about the process that looks", "[procfs]") {
  TestProcess process;
  std::strcpy(process.process().command, "prog");
  std::strcpy(process.process().executable, "/bin/prog");
  const std::string pid = std::to_string(process.process().pid);
  CHECK(link_text(process, "/proc/self") == pid);
  CHECK(link_text(process, "/proc/self/exe") == "/bin/prog");
  CHECK(link_text(process, "/proc/self/cwd") == "/");
  CHECK(read_all(process, "/proc/self/comm") == "prog\n");
  CHECK(read_all(process, ("/proc/" + pid + "/stat").c_str()).rfind(pid + " (prog) R 1 ", 0) == 0);
  CHECK(read_all(process, "/proc/999999/stat") == "error 2");
  CHECK(read_all(process, "/proc/self/nothing") == "error 2");
  CHECK(process.call(sys_open, process.text("/proc/self/stat"), O_WRONLY, 0) == -EACCES);
}

TEST_CASE("the command line is read from the process' own memory", "[procfs]") {
  TestProcess process;
  const char arguments[] = "prog\0one\0A=1";
  const UserAddr at = process.put(arguments, sizeof(arguments));
  process.process().arguments_start = at;
  process.process().arguments_end = process.process().environment_start = at + 9;
  process.process().environment_end = at + sizeof(arguments);
  CHECK(read_all(process, "/proc/self/cmdline") == std::string("prog\0one\0", 9));
  CHECK(read_all(process, "/proc/self/environ") == std::string("A=1\0", 4));
  unsigned long start = 0, end = 0;
  REQUIRE(std::sscanf(read_all(process, "/proc/self/maps").c_str(), "%lx-%lx rw-p", &start, &end) == 2);
  CHECK(end > start);
}

TEST_CASE("another user's process keeps its secrets", "[procfs]") {
  TestProcess owner(nullptr, 1000);
  const std::string base = "/proc/" + std::to_string(owner.process().pid);
  TestProcess other(nullptr, 2000);
  CHECK(read_all(other, (base + "/environ").c_str()) == "error 13");
  CHECK(read_all(other, (base + "/maps").c_str()) == "error 13");
  CHECK(link_text(other, (base + "/cwd").c_str()) == "error 13");
  CHECK(read_all(other, (base + "/fd/0").c_str()) == "error 13");
  CHECK(read_all(other, (base + "/comm").c_str()) == "\n");
}

TEST_CASE("a descriptor opens again through /proc/self/fd", "[procfs]") {
  TestProcess process;
  const UserAddr fds = process.room(8);
  REQUIRE(process.call(sys_pipe, fds) == 0);
  REQUIRE(process.call(sys_write, process.get<int32_t>(fds + 4), process.text("via fd"), 6) == 6);
  const std::string reader = std::to_string(process.get<int32_t>(fds));
  CHECK(link_text(process, ("/proc/self/fd/" + reader).c_str()).rfind("pipe:[", 0) == 0);
  CHECK(read_all(process, ("/dev/fd/" + reader).c_str()) == "via fd");
  CHECK(link_text(process, "/dev/stdin") == "/proc/self/fd/0");
  CHECK(link_text(process, "/proc/self/fd/0") == "/dev/console");
  CHECK(link_text(process, "/proc/self/fd/77") == "error 2");
}

TEST_CASE("the system's files are there", "[procfs]") {
  TestProcess process;
  CHECK(read_all(process, "/proc/sys/kernel/hostname") == "test\n");
  CHECK(read_all(process, "/proc/meminfo").rfind("MemTotal:", 0) == 0);
  CHECK(read_all(process, "/proc/cpuinfo").find("processor\t: 1\n") != std::string::npos);
  CHECK(read_all(process, "/proc/mounts").find("tmpfs /enclave tmpfs") != std::string::npos);
  CHECK(link_text(process, "/proc/mounts") == "self/mounts");
  CHECK(read_all(process, "/proc/self/mountinfo").find(" /proc rw - proc proc rw\n") != std::string::npos);
  CHECK(read_all(process, "/proc/self/fdinfo/0").rfind("pos:\t", 0) == 0);
  CHECK(read_all(process, "/sys/devices/system/cpu/online") == "0-1\n");
  CHECK(read_all(process, "/sys/devices/system/cpu/cpu1/topology/core_id") == "1\n");
  for (const char* none : {"cpu/cpu2", "cpu/cpu01", "cpu/cpu", "cpu/cpu1/none", "node"})
    CHECK(read_all(process, (std::string("/sys/devices/system/") + none).c_str()) == "error 2");
  CHECK(process.call(sys_unlink, process.text("/proc/version")) == -EPERM);
  for (const char* directory : {"/proc", "/proc/self", "/proc/self/fd", "/proc/sys", "/proc/sys/kernel", "/dev",
                                "/sys/devices/system/cpu", "/sys/devices/system/cpu/cpu0"}) {
    const Sysret fd = process.call(sys_open, process.text(directory), O_RDONLY | O_DIRECTORY, 0);
    CHECK(process.call(sys_getdents64, fd, process.room(4096), 4096) > 48);
  }
}

}  // namespace
}  // namespace hobbes::lwk::fs
