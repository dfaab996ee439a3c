// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/present_memory.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace hobbes::host_io {
namespace {

/// What is larger is reserved, not used: a sanitizer's shadow, for one.
constexpr std::uintptr_t largest = 16U << 20;

struct Range {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  bool writable = false;
};

/// A line of /proc/<pid>/maps (proc(5)): "start-end rwxp ...".
bool parse(const std::string& line, Range& range) {
  char read = 0, write = 0;
  if (std::sscanf(line.c_str(), "%lx-%lx %c%c", &range.start, &range.end, &read, &write) != 4) return false;
  range.writable = write == 'w';
  return read == 'r';
}

}  // namespace

void make_memory_present() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    Range range;
    if (!parse(line, range) || range.end - range.start > largest) continue;
    // Fails on what is no memory of ours, such as the vDSO's.
    ::madvise(reinterpret_cast<void*>(range.start), range.end - range.start,
              range.writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
  }
}

}  // namespace hobbes::host_io
