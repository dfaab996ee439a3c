// SPDX-License-Identifier: Apache-2.0
// How long a snapshot holds its producer up, beside fork(); and what the first write to each large page costs after it.
#include <hobbes/xasm.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "tests/bench/xemem/contest.hpp"

namespace hobbes::bench {
namespace {

constexpr std::size_t large_page = 2ul << 20;

double fork_once() {
  pid_t child = -1;
  const double took = time_of([&] {
    child = ::fork();
    if (child == 0) ::_exit(0);
  });
  require(child > 0 && ::waitpid(child, nullptr, 0) == child, "fork");
  return took;
}

void dirty(char* memory, std::size_t size) {
  for (std::size_t at = 0; at < size; at += large_page) ++memory[at];
}

void by_size(Results& results, std::size_t size, int rounds) {
  auto* memory = static_cast<char*>(xemem_alloc(size));
  require(memory != nullptr, "xemem_alloc");
  std::memset(memory, 1, size);
  // What fork() has to copy the page tables of: small pages, as a heap has them.
  auto* heap = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::madvise(heap, size, MADV_NOHUGEPAGE);
  std::memset(heap, 1, size);
  const std::string name = "bench-plate-" + std::to_string(size);
  contest(results,
          {{"fork", fork_once},
           {"xasm_snapshot",
            [&] {
              const double took =
                  time_of([&] { require(xasm_snapshot(memory, size, name.c_str(), 0600) > 0, "xasm_snapshot"); });
              dirty(memory, size);
              return took;
            }}},
          rounds, static_cast<double>(size));
  heading("the first write to a large page after it");
  char* from = static_cast<char*>(::mmap(nullptr, 2 * large_page, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
  Results unrecorded("");
  unrecorded.start_group("", "ns");
  contest(unrecorded,
          {{"copy of a large page", [&] { return time_of([&] { std::memcpy(from + large_page, from, large_page); }); }},
           {"first write",
            [&] {
              require(xasm_snapshot(memory, size, name.c_str(), 0600) > 0, "xasm_snapshot");
              return time_of([&] { dirty(memory, size); }) / static_cast<double>(size / large_page);
            }}},
          rounds);
  ::munmap(from, 2 * large_page);
  ::munmap(heap, size);
}

}  // namespace

void bench_snapshot(Results& results) {
  results.start_group("a snapshot, by size", "ns");
  for (const std::size_t size : {4ul << 20, 16ul << 20, 64ul << 20, 256ul << 20}) {
    heading("a snapshot of " + std::to_string(size >> 20) + " MiB");
    by_size(results, size, 15);
  }
}

}  // namespace hobbes::bench
