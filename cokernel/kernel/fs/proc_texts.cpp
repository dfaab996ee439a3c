// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/proc_texts.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/cpu_text.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/pipe.hpp"
#include "cokernel/kernel/fs/random.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t ticks_per_second = 100;  // Linux's USER_HZ
constexpr uint64_t kib_shift = 10;

int64_t to_ticks(int64_t ns) { return ns / (ns_per_second / ticks_per_second); }
uint64_t kib(uint64_t pages) { return pages << (page_shift - kib_shift); }

void write_meminfo(Text& text) {
  const uint64_t total = kib(page_allocator().total_pages()), free = kib(page_allocator().free_pages());
  text.print("MemTotal:       %u kB\nMemFree:        %u kB\nMemAvailable:   %u kB\n", total, free, free);
  text.print("Buffers:        0 kB\nCached:         0 kB\nSwapCached:     0 kB\nSwapTotal:      0 kB\n");
  text.print("SwapFree:       0 kB\nHugepagesize:   %u kB\n", large_page_size >> kib_shift);
}

uint64_t count_processes() {
  Guard guard(process_lock());
  uint64_t count = 0;
  for ([[maybe_unused]] const Process& process : all_processes()) ++count;
  return count;
}

void write_stat(Text& text) {
  const int64_t up = to_ticks(monotonic_ns());
  const int64_t cpus = cpu_count();
  text.print("cpu  0 0 0 %d 0 0 0 0 0 0\n", up * cpus);
  for (int64_t cpu = 0; cpu < cpus; ++cpu) text.print("cpu%d 0 0 0 %d 0 0 0 0 0 0\n", cpu, up);
  text.print("intr 0\nctxt 0\nbtime %d\n", (realtime_ns() - monotonic_ns()) / ns_per_second);
  text.print("processes %u\nprocs_running 1\nprocs_blocked 0\nsoftirq 0\n", count_processes());
}

void write_uptime(Text& text) {
  const int64_t hundredths = to_ticks(monotonic_ns());
  text.print("%d.%d%d 0.00\n", hundredths / 100, hundredths / 10 % 10, hundredths % 10);
}

void write_loadavg(Text& text) { text.print("0.00 0.00 0.00 1/%u 1\n", count_processes()); }
void write_version(Text& text) { text.print("Linux version 6.1.0-hobbes (Hobbes co-kernel)\n"); }
void write_filesystems(Text& text) { text.print("nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\thost\n"); }

void write_osrelease(Text& text) { text.print("6.1.0-hobbes\n"); }
void write_ostype(Text& text) { text.print("Linux\n"); }
void write_hostname(Text& text) { text.print("%s\n", static_cast<const char*>(boot_params().name)); }
/// A random UUID (RFC 9562, version 4), the same until the enclave ends: programs tell machines apart by it.
struct BootId {
  BootId() {
    constexpr char digits[] = "0123456789abcdef";
    constexpr uint32_t bytes = 16;
    uint8_t random[bytes];
    fill_random(random, sizeof(random));
    random[6] = static_cast<uint8_t>((random[6] & 0x0f) | 0x40);
    random[8] = static_cast<uint8_t>((random[8] & 0x3f) | 0x80);
    char* at = text;
    for (uint32_t i = 0; i < bytes; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
      *at++ = digits[random[i] >> 4];
      *at++ = digits[random[i] & 15];
    }
  }
  char text[37] = {};
};
Mutex boot_id_lock;
const BootId* boot_id;

void write_boot_id(Text& text) {
  Guard guard(boot_id_lock);
  if (boot_id == nullptr) boot_id = new (nothrow) BootId;
  if (boot_id != nullptr) text.print("%s\n", boot_id->text);
}
void write_pid_max(Text& text) { text.print("4194304\n"); }
void write_many(Text& text) { text.print("1048576\n"); }
void write_descriptor_limit(Text& text) { text.print("%u\n", static_cast<uint64_t>(FdTable::limit)); }
void write_pipe_size(Text& text) { text.print("%u\n", pipe_size); }
void write_last_capability(Text& text) { text.print("40\n"); }
void write_entropy(Text& text) { text.print("256\n"); }
void write_backlog(Text& text) { text.print("4096\n"); }
void write_lowest_address(Text& text) { text.print("%u\n", static_cast<uint64_t>(port::user_start)); }
void write_kernel_command_line(Text& text) { text.print("\n"); }
void write_swaps(Text& text) { text.print("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"); }
void write_zero(Text& text) { text.print("0\n"); }
void write_one(Text& text) { text.print("1\n"); }

}  // namespace

const ProcText proc_texts[] = {
    {"cmdline", write_kernel_command_line},
    {"cpuinfo", write_cpuinfo},
    {"filesystems", write_filesystems},
    {"loadavg", write_loadavg},
    {"meminfo", write_meminfo},
    {"stat", write_stat},
    {"swaps", write_swaps},
    {"uptime", write_uptime},
    {"version", write_version},
    {"sys/fs/file-max", write_many},
    {"sys/fs/nr_open", write_descriptor_limit},
    {"sys/fs/pipe-max-size", write_pipe_size},
    {"sys/kernel/cap_last_cap", write_last_capability},
    {"sys/kernel/hostname", write_hostname},
    {"sys/kernel/ngroups_max", write_zero},
    {"sys/kernel/osrelease", write_osrelease},
    {"sys/kernel/ostype", write_ostype},
    {"sys/kernel/pid_max", write_pid_max},
    {"sys/kernel/random/boot_id", write_boot_id},
    {"sys/kernel/random/entropy_avail", write_entropy},
    {"sys/kernel/randomize_va_space", write_zero},
    {"sys/kernel/threads-max", write_many},
    {"sys/net/core/somaxconn", write_backlog},
    {"sys/vm/max_map_count", write_many},
    {"sys/vm/mmap_min_addr", write_lowest_address},
    {"sys/vm/overcommit_memory", write_one},
};
const size_t proc_text_count = sizeof(proc_texts) / sizeof(proc_texts[0]);

}  // namespace hobbes::lwk::fs
