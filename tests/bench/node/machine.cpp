// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/machine.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

namespace hobbes::bench {
namespace {

std::string first_line_of(const char* path, std::string_view start) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(start)) return line;
  }
  return {};
}

std::string processor() {
  const std::string line = first_line_of("/proc/cpuinfo", "model name");
  const auto value = line.find(": ");
  return value == line.npos ? std::string() : line.substr(value + 2) + ", ";
}

}  // namespace

std::string describe_machine() {
  std::string text = processor() + std::to_string(std::thread::hardware_concurrency()) + " CPUs";
  if (utsname system{}; ::uname(&system) == 0) text += std::string(", ") + system.sysname + " " + system.release;
  const std::string load = first_line_of("/proc/loadavg", "");
  if (!load.empty()) text += ", load " + load.substr(0, load.find(' '));
  return text;
}

}  // namespace hobbes::bench
