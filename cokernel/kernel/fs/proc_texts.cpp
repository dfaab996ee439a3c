// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/proc_texts.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t ticks_per_second = 100;  // Linux's USER_HZ
constexpr uint64_t kib_shift = 10;

int64_t to_ticks(int64_t ns) { return ns / (ns_per_second / ticks_per_second); }
uint64_t kib(uint64_t pages) { return pages << (page_shift - kib_shift); }

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};
CpuidResult cpuid(uint32_t leaf) {
  CpuidResult result{leaf, 0, 0, 0};
  asm("cpuid" : "+a"(result.eax), "=b"(result.ebx), "+c"(result.ecx), "=d"(result.edx));
  return result;
}

/// The brand string, or "unknown".
void cpu_name(char (&name)[49]) {
  constexpr uint32_t largest_leaf = 0x80000000, first_leaf = 0x80000002, last_leaf = 0x80000004;
  copy_string(name, "unknown", sizeof(name));
  if (cpuid(largest_leaf).eax < last_leaf) return;
  for (uint32_t leaf = first_leaf; leaf <= last_leaf; ++leaf) {
    const CpuidResult part = cpuid(leaf);
    memcpy(name + (leaf - first_leaf) * sizeof(part), &part, sizeof(part));
  }
  name[sizeof(name) - 1] = '\0';
}

void write_cpuinfo(Text& text) {
  char name[49], vendor[13] = {};
  cpu_name(name);
  const CpuidResult maker = cpuid(0);
  memcpy(vendor, &maker.ebx, 4);
  memcpy(vendor + 4, &maker.edx, 4);
  memcpy(vendor + 8, &maker.ecx, 4);
  const uint32_t version = cpuid(1).eax;
  const uint32_t base_family = version >> 8 & 0xf;
  const uint64_t family = base_family == 0xf ? base_family + (version >> 20 & 0xff) : base_family;
  const uint64_t model = (version >> 4 & 0xf) | (version >> 12 & 0xf0);
  const uint64_t khz = boot_params().tsc_hz / 1000;
  for (uint64_t cpu = 0; cpu < cpu_count(); ++cpu) {
    text.print("processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n", cpu, vendor,
               family, model, name);
    text.print("cpu MHz\t\t: %u.%u%u%u\nsiblings\t: %u\ncpu cores\t: %u\n\n", khz / 1000, khz / 100 % 10, khz / 10 % 10,
               khz % 10, static_cast<uint64_t>(cpu_count()), static_cast<uint64_t>(cpu_count()));
  }
}

void write_meminfo(Text& text) {
  const uint64_t total = kib(page_allocator().total_pages()), free = kib(page_allocator().free_pages());
  text.print("MemTotal:       %u kB\nMemFree:        %u kB\nMemAvailable:   %u kB\n", total, free, free);
  text.print("Buffers:        0 kB\nCached:         0 kB\nSwapCached:     0 kB\nSwapTotal:      0 kB\n");
  text.print("SwapFree:       0 kB\nHugepagesize:   %u kB\n", large_page_size >> kib_shift);
}

void write_stat(Text& text) {
  const int64_t up = to_ticks(monotonic_ns());
  const int64_t cpus = cpu_count();
  text.print("cpu  0 0 0 %d 0 0 0 0 0 0\n", up * cpus);
  for (int64_t cpu = 0; cpu < cpus; ++cpu) text.print("cpu%d 0 0 0 %d 0 0 0 0 0 0\n", cpu, up);
  text.print("ctxt 0\nbtime %d\n", (realtime_ns() - monotonic_ns()) / ns_per_second);
}

void write_uptime(Text& text) {
  const int64_t hundredths = to_ticks(monotonic_ns());
  text.print("%d.%d%d 0.00\n", hundredths / 100, hundredths / 10 % 10, hundredths % 10);
}

uint64_t count_processes() {
  Guard guard(process_lock());
  uint64_t count = 0;
  for ([[maybe_unused]] const Process& process : all_processes()) ++count;
  return count;
}

void write_loadavg(Text& text) { text.print("0.00 0.00 0.00 1/%u 1\n", count_processes()); }
void write_version(Text& text) { text.print("Linux version 6.1.0-hobbes (Hobbes co-kernel)\n"); }
void write_filesystems(Text& text) { text.print("nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\thost\n"); }

void write_mounts(Text& text) {
  text.print("host / host rw 0 0\n");
  for_each_mount(
      [](const char* path, const char* type, void* context) {
        static_cast<Text*>(context)->print("%s %s %s rw 0 0\n", type, path, type);
      },
      &text);
}

void write_osrelease(Text& text) { text.print("6.1.0-hobbes\n"); }
void write_ostype(Text& text) { text.print("Linux\n"); }
void write_hostname(Text& text) { text.print("%s\n", static_cast<const char*>(boot_params().name)); }
void write_pid_max(Text& text) { text.print("4194304\n"); }
void write_zero(Text& text) { text.print("0\n"); }
void write_one(Text& text) { text.print("1\n"); }

/// Memory of any process, through the direct map.
void write_memory(Text& text, Process& process, UserAddr from, UserAddr to) {
  while (from < to) {
    uint64_t size = 0;
    const void* memory = process.space.direct(from, to - from, 0, size);
    if (memory == nullptr || size == 0) return;
    text.append(memory, size);
    from += size;
  }
}

void write_command_line(Text& text, Process& process) {
  write_memory(text, process, process.arguments_start, process.arguments_end);
}
void write_environment(Text& text, Process& process) {
  write_memory(text, process, process.environment_start, process.environment_end);
}
void write_command(Text& text, Process& process) { text.print("%s\n", static_cast<const char*>(process.command)); }

void write_maps(Text& text, Process& process) {
  process.space.for_each([&](const Region& region) {
    const char access[] = {(region.protection & port::prot_read) != 0 ? 'r' : '-',
                           (region.protection & port::prot_write) != 0 ? 'w' : '-',
                           (region.protection & port::prot_exec) != 0 ? 'x' : '-',
                           region.shared != nullptr ? 's' : 'p', '\0'};
    text.print("%x-%x %s %x 00:00 0 %s%s\n", region.start, region.end, static_cast<const char*>(access),
               region.file_offset, region.name[0] != '\0' ? "                   " : "",
               static_cast<const char*>(region.name));
  });
}

int64_t parent_of(const Process& process) { return process.parent == &process ? 0 : process.parent->pid; }
char state_of(const Process& process) { return process.state == ProcessState::zombie ? 'Z' : 'R'; }

void write_process_stat(Text& text, Process& process) {
  const char state[] = {state_of(process), '\0'};
  const uint64_t size = process.space.mapped_bytes();
  text.print("%d (%s) %s %d %d %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 %u 0 0 %u %u 18446744073709551615 ",
             static_cast<int64_t>(process.pid), static_cast<const char*>(process.command),
             static_cast<const char*>(state), parent_of(process), static_cast<int64_t>(process.group),
             static_cast<int64_t>(process.session), static_cast<uint64_t>(process.thread_count), size,
             size >> page_shift);
  text.print("0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 %u %u %u %u 0\n", process.arguments_start,
             process.arguments_end, process.environment_start, process.environment_end);
}

void write_statm(Text& text, Process& process) {
  const uint64_t pages = process.space.mapped_bytes() >> page_shift;
  text.print("%u %u 0 0 0 %u 0\n", pages, pages, pages);
}

void write_status(Text& text, Process& process) {
  const IdSet& user = process.credentials.user;
  const IdSet& group = process.credentials.group;
  const uint64_t size = process.space.mapped_bytes() >> kib_shift;
  text.print("Name:\t%s\nUmask:\t0%u%u%u\nState:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n",
             static_cast<const char*>(process.command), static_cast<uint64_t>(process.umask >> 6 & 7),
             static_cast<uint64_t>(process.umask >> 3 & 7), static_cast<uint64_t>(process.umask & 7),
             process.state == ProcessState::zombie ? "Z (zombie)" : "R (running)", static_cast<int64_t>(process.pid),
             static_cast<int64_t>(process.pid), parent_of(process));
  const auto print_ids = [&](const char* name, const IdSet& ids) {
    text.print("%s:\t%u\t%u\t%u\t%u\n", name, static_cast<uint64_t>(ids.real), static_cast<uint64_t>(ids.effective),
               static_cast<uint64_t>(ids.saved), static_cast<uint64_t>(ids.file));
  };
  print_ids("Uid", user);
  print_ids("Gid", group);
  text.print("FDSize:\t%u\n", static_cast<uint64_t>(FdTable::limit));
  text.print("VmPeak:\t%u kB\nVmSize:\t%u kB\nVmLck:\t%u kB\nVmRSS:\t%u kB\nThreads:\t%u\n", size, size, size, size,
             static_cast<uint64_t>(process.thread_count));
}

}  // namespace

const ProcText proc_texts[] = {
    {"cpuinfo", write_cpuinfo},
    {"filesystems", write_filesystems},
    {"loadavg", write_loadavg},
    {"meminfo", write_meminfo},
    {"mounts", write_mounts},
    {"stat", write_stat},
    {"uptime", write_uptime},
    {"version", write_version},
    {"sys/kernel/hostname", write_hostname},
    {"sys/kernel/ngroups_max", write_zero},
    {"sys/kernel/osrelease", write_osrelease},
    {"sys/kernel/ostype", write_ostype},
    {"sys/kernel/pid_max", write_pid_max},
    {"sys/kernel/randomize_va_space", write_zero},
    {"sys/vm/overcommit_memory", write_one},
};
const size_t proc_text_count = sizeof(proc_texts) / sizeof(proc_texts[0]);

const ProcessText process_texts[] = {
    {"cmdline", false, write_command_line}, {"comm", false, write_command},      {"environ", true, write_environment},
    {"maps", true, write_maps},             {"stat", false, write_process_stat}, {"statm", false, write_statm},
    {"status", false, write_status},
};
const size_t process_text_count = sizeof(process_texts) / sizeof(process_texts[0]);

}  // namespace hobbes::lwk::fs
