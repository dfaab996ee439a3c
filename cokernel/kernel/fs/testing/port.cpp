// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/port.hpp"

#include "cokernel/kernel/process.hpp"
#include "kernel-bridge/abi/console.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

namespace hobbes::lwk {
namespace {

constexpr uint64_t memory_size = 64ull << 20;
constexpr PhysAddr memory_base = 1ull << 32;

char* memory = nullptr;
hobbes_boot_params parameters;
hobbes_console console;
thread_local Thread* running = nullptr;

int64_t linux_monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

/// Calls use(pointer, size) for the pieces of user memory. False: part of it is not mapped so.
template <typename Use>
bool for_user(UserAddr address, size_t size, uint32_t need, Use use) {
  while (size > 0) {
    uint64_t piece = 0;
    void* pointer = running->process->space.direct(address, size, need, piece);
    if (pointer == nullptr) return false;
    use(static_cast<char*>(pointer), piece);
    address += piece;
    size -= piece;
  }
  return true;
}

}  // namespace

hobbes_boot_params& boot_params() { return parameters; }

namespace testing {

void start_port() {
  constexpr double calibration_ns = 2e6;
  memory = static_cast<char*>(
      mmap(nullptr, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (memory == MAP_FAILED) std::abort();
  parameters.region_count = 1;
  parameters.regions[0] = {memory_base, memory_size, -1, -1};
  std::strcpy(parameters.name, "test");
  const int64_t start_ns = linux_monotonic_ns();
  const uint64_t start = __rdtsc();
  while (static_cast<double>(linux_monotonic_ns() - start_ns) < calibration_ns) _mm_pause();
  const auto ns = static_cast<double>(linux_monotonic_ns() - start_ns);
  const auto ticks = static_cast<double>(__rdtsc() - start);
  parameters.tsc_hz = static_cast<uint64_t>(ticks / ns * 1e9);
  parameters.clock.tsc_base = start;
  parameters.clock.mult = static_cast<uint64_t>(ns / ticks * 4294967296.0);
  parameters.clock.monotonic_ns = static_cast<uint64_t>(start_ns);
  parameters.clock.realtime_ns = static_cast<uint64_t>(std::time(nullptr)) * 1'000'000'000ull;
  console.magic = HOBBES_CONSOLE_MAGIC;
  parameters.channels[0] = {HOBBES_CHANNEL_CONSOLE, -1, port::physical(&console), sizeof(console)};
  parameters.channel_count = 1;
}

Thread* set_current(Thread* thread) {
  Thread* before = running;
  running = thread;
  return before;
}

}  // namespace testing

namespace port {
namespace {

using testing::PageChange;

int change_pages(const PageChange& change) {
  return testing::on_page_change != nullptr ? testing::on_page_change(change) : 0;
}

}  // namespace

Thread& current() { return *running; }

void wait(uint32_t* word, uint32_t expected, int64_t deadline_ns) {
  timespec timeout{};
  if (deadline_ns != never) {
    const int64_t left = deadline_ns - linux_monotonic_ns();
    if (left <= 0) return;
    timeout = {left / 1'000'000'000, left % 1'000'000'000};
  }
  (void)syscall(SYS_futex, word, FUTEX_WAIT, expected, deadline_ns != never ? &timeout : nullptr, nullptr, 0);
}
void wait_for_host(uint32_t* word, uint32_t expected, int64_t deadline_ns) { wait(word, expected, deadline_ns); }
void wake_host(uint32_t* word, int count) { wake(word, count); }
void wait_for_host_or(Expected one, Expected other, int64_t deadline_ns) {
  constexpr uint32_t shared_32_bit = 2;
  const futex_waitv words[] = {{one.value, reinterpret_cast<uint64_t>(one.word), shared_32_bit, 0},
                               {other.value, reinterpret_cast<uint64_t>(other.word), shared_32_bit, 0}};
  const timespec until{deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
  (void)syscall(SYS_futex_waitv, words, 2, 0, deadline_ns != never ? &until : nullptr, CLOCK_MONOTONIC);
}
void wake(uint32_t* word, int count) { (void)syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0); }
void relax() { _mm_pause(); }
void interrupt(Thread& thread) {
  if (testing::on_interrupt != nullptr) testing::on_interrupt(thread);
}
uint32_t machine_cpu() { return 0; }
int64_t thread_cpu_ns(const Thread&) { return 0; }
int64_t process_cpu_ns(const Process&) { return 0; }
void keep_cpu_time() {}
void memory_barrier(bool) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
int attach_cpu(uint32_t, const hobbes_boot_cpu&) { return 0; }
int detach_cpu(uint32_t) { return 0; }
void set_affinity(Thread& thread, const uint64_t mask[4]) {
  if (testing::on_affinity != nullptr) testing::on_affinity(thread, mask);
}
void yield() { ::sched_yield(); }
uint64_t ticks() { return __rdtsc(); }

void* direct(PhysAddr address) { return memory + (address - memory_base); }
PhysAddr physical(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer) - reinterpret_cast<uint64_t>(memory) + memory_base;
}

uint64_t host_address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }
int attach_memory(PhysAddr, uint64_t) { return 0; }
void detach_memory(PhysAddr, uint64_t) {}

bool borrows_files() { return false; }
int take_lent(uint64_t) { return -ENODEV; }
void give_back(int) {}
int map_lent(UserAddr, int, uint64_t, uint64_t, uint32_t) { return 0; }
int store_lent(UserAddr, uint64_t) { return 0; }

int map(UserAddr address, PhysAddr physical, uint64_t size, uint32_t protection) {
  return change_pages({PageChange::Kind::map, address, size, physical, protection});
}
void unmap(UserAddr address, uint64_t size) { (void)change_pages({PageChange::Kind::unmap, address, size, 0, 0}); }
int protect(UserAddr address, uint64_t size, uint32_t protection) {
  return change_pages({PageChange::Kind::protect, address, size, 0, protection});
}

bool copy_from_user(void* to, UserAddr from, size_t size) {
  auto* out = static_cast<char*>(to);
  return for_user(from, size, prot_read, [&](const char* bytes, size_t piece) {
    std::memcpy(out, bytes, piece);
    out += piece;
  });
}
bool copy_to_user(UserAddr to, const void* from, size_t size) {
  auto* in = static_cast<const char*>(from);
  return for_user(to, size, prot_write, [&](char* bytes, size_t piece) {
    std::memcpy(bytes, in, piece);
    in += piece;
  });
}
int64_t copy_string_from_user(char* to, UserAddr from, size_t limit) {
  for (size_t i = 0; i < limit; ++i) {
    if (!copy_from_user(to + i, from + i, 1)) return -1;
    if (to[i] == '\0') return static_cast<int64_t>(i);
  }
  return -2;
}

void ring_console_bell() {}
void halt() { std::abort(); }

}  // namespace port
}  // namespace hobbes::lwk
