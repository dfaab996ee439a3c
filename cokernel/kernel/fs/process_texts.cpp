// SPDX-License-Identifier: Apache-2.0
// The text files of /proc/<pid>.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/fs/proc_texts.hpp"
#include "cokernel/kernel/lent_files.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t ticks_per_second = 100;  // Linux's USER_HZ

constexpr uint64_t kib_shift = 10;

/// A number in hexadecimal or octal, of at least `width` digits.
void add_digits(Text& text, uint64_t value, uint32_t bits_per_digit, uint32_t width) {
  char digits[24];
  uint32_t count = 0;
  for (; value != 0 || count < width; value >>= bits_per_digit)
    digits[sizeof(digits) - ++count] = "0123456789abcdef"[value & ((1u << bits_per_digit) - 1)];
  text.append(digits + sizeof(digits) - count, count);
}
void add_hex(Text& text, uint64_t value, uint32_t width) { add_digits(text, value, 4, width); }
void add_octal(Text& text, uint64_t value, uint32_t width) { add_digits(text, value, 3, width); }

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

void write_command_line(Text& text, Process& process, int64_t) {
  write_memory(text, process, process.arguments_start, process.arguments_end);
}
void write_environment(Text& text, Process& process, int64_t) {
  write_memory(text, process, process.environment_start, process.environment_end);
}
void write_command(Text& text, Process& process, int64_t) {
  text.print("%s\n", static_cast<const char*>(process.command));
}

void write_auxiliary_vector(Text& text, Process& process, int64_t) {
  write_memory(text, process, process.auxiliary_start, process.auxiliary_end);
}

/// One line of maps, without a name's path to another file's device: nothing here has one.
void write_region(Text& text, const Region& region) {
  constexpr uint32_t address_width = 8;
  constexpr uint64_t name_column = 73;
  const uint64_t start = text.size();
  add_hex(text, region.start, address_width);
  text.append("-");
  add_hex(text, region.end, address_width);
  const char access[] = {' ', (region.protection & port::prot_read) != 0 ? 'r' : '-',
                         (region.protection & port::prot_write) != 0 ? 'w' : '-',
                         (region.protection & port::prot_exec) != 0 ? 'x' : '-',
                         region.shared != nullptr ? 's' : 'p', ' ', '\0'};
  text.append(static_cast<const char*>(access));
  add_hex(text, region.file_offset, address_width);
  text.append(" 00:00 0 ");
  if (region.name[0] != '\0') {
    while (text.size() < start + name_column && !text.failed()) text.append(" ");
    text.append(static_cast<const char*>(region.name));
  }
  text.append("\n");
}

void write_maps(Text& text, Process& process, int64_t) {
  process.space.for_each([&](const Region& region) { write_region(text, region); });
}

/// All but reserved addresses and lent files, whose pages are the host's.
bool has_memory(const Region& region) {
  if (region.shared != nullptr) return !is_lent(region.shared->extents[0].base);
  return region.extents != nullptr;
}

/// Everything that is mapped is there, and private unless it is shared.
void write_smaps(Text& text, Process& process, int64_t) {
  process.space.for_each([&](const Region& region) {
    write_region(text, region);
    const uint64_t size = (region.end - region.start) >> kib_shift;
    const uint64_t there = has_memory(region) ? size : 0;
    const uint64_t shared = region.shared != nullptr ? there : 0;
    text.print("Size:           %u kB\nKernelPageSize: 4 kB\nMMUPageSize:    4 kB\nRss:            %u kB\n", size,
               there);
    text.print("Pss:            %u kB\nShared_Clean:   0 kB\nShared_Dirty:   %u kB\nPrivate_Clean:  0 kB\n", there,
               shared);
    text.print("Private_Dirty:  %u kB\nReferenced:     %u kB\nAnonymous:      %u kB\nSwap:           0 kB\n",
               there - shared, there, there - shared);
    text.print("Locked:         %u kB\n", region.locked ? there : 0);
  });
}

int64_t parent_of(const Process& process) { return process.parent == &process ? 0 : process.parent->pid; }
char state_of(const Process& process) { return process.state == ProcessState::zombie ? 'Z' : 'R'; }

uint64_t held_pages(Process& process) {
  uint64_t size = 0;
  process.space.for_each([&](const Region& region) {
    if (has_memory(region)) size += region.end - region.start;
  });
  return size >> page_shift;
}

void write_process_stat(Text& text, Process& process, int64_t id) {
  const char state[] = {state_of(process), '\0'};
  const uint64_t size = process.space.mapped_bytes();
  text.print("%d (%s) %s %d %d %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 %u 0 %d %u %u 18446744073709551615 ",
             id, static_cast<const char*>(process.command),
             static_cast<const char*>(state), parent_of(process), static_cast<int64_t>(process.group),
             static_cast<int64_t>(process.session), static_cast<uint64_t>(process.thread_count),
             process.started_ns / (ns_per_second / ticks_per_second), size,
             held_pages(process));
  text.print("0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 %u %u %u %u 0\n", process.arguments_start,
             process.arguments_end, process.environment_start, process.environment_end);
}

void write_statm(Text& text, Process& process, int64_t) {
  const uint64_t pages = process.space.mapped_bytes() >> page_shift;
  text.print("%u %u 0 0 0 %u 0\n", pages, held_pages(process), pages);
}

struct Sizes {
  uint64_t data = 0, stack = 0, code = 0;  ///< KiB
};

Sizes sizes_of(Process& process) {
  Sizes sizes;
  process.space.for_each([&](const Region& region) {
    const uint64_t size = (region.end - region.start) >> kib_shift;
    if (region.kind == RegionKind::stack) sizes.stack += size;
    else if ((region.protection & port::prot_exec) != 0) sizes.code += size;
    else if ((region.protection & port::prot_write) != 0) sizes.data += size;
  });
  return sizes;
}

void add_set(Text& text, const char* name, uint64_t set) {
  constexpr uint32_t width = 16;
  text.append(name);
  add_hex(text, set, width);
  text.append("\n");
}

void write_status_of_signals(Text& text, Process& process) {
  SignalSet ignored = 0, caught = 0;
  for (int signal = 1; signal <= signal_count; ++signal) {
    const uint64_t handler = process.actions[signal - 1].handler;
    if (handler == sig_ignore) ignored |= signal_bit(signal);
    else if (handler != sig_default) caught |= signal_bit(signal);
  }
  const Thread* thread = process.threads.front();
  add_set(text, "SigPnd:\t", thread != nullptr ? thread->pending : 0);
  add_set(text, "ShdPnd:\t", process.pending);
  // relaxed: the thread's own, and this is a picture of a moment.
  add_set(text, "SigBlk:\t", thread != nullptr ? __atomic_load_n(&thread->mask, __ATOMIC_RELAXED) : 0);
  add_set(text, "SigIgn:\t", ignored);
  add_set(text, "SigCgt:\t", caught);
}

void write_status_of_cpus(Text& text, Process& process) {
  const Thread* thread = process.threads.front();
  if (thread == nullptr) return;
  uint64_t mask[4];
  allowed_cpus(*thread, mask);
  text.append("Cpus_allowed_list:\t");
  write_cpu_list(text, mask);
}

void write_status_of_ids(Text& text, const char* name, const IdSet& ids) {
  text.print("%s:\t%u\t%u\t%u\t%u\n", name, static_cast<uint64_t>(ids.real), static_cast<uint64_t>(ids.effective),
             static_cast<uint64_t>(ids.saved), static_cast<uint64_t>(ids.file));
}

void write_status(Text& text, Process& process, int64_t id) {
  const uint64_t size = process.space.mapped_bytes() >> kib_shift;
  const uint64_t held = held_pages(process) << (page_shift - kib_shift);
  const Sizes sizes = sizes_of(process);
  text.print("Name:\t%s\nUmask:\t", static_cast<const char*>(process.command));
  add_octal(text, process.umask, 4);
  text.print("\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
             process.state == ProcessState::zombie ? "Z (zombie)" : "R (running)", static_cast<int64_t>(process.pid),
             id, parent_of(process));
  write_status_of_ids(text, "Uid", process.credentials.user);
  write_status_of_ids(text, "Gid", process.credentials.group);
  text.print("FDSize:\t%u\nGroups:\t%u \n", static_cast<uint64_t>(FdTable::limit),
             static_cast<uint64_t>(process.credentials.group.real));
  text.print("VmPeak:\t%u kB\nVmSize:\t%u kB\nVmLck:\t%u kB\nVmPin:\t0 kB\nVmHWM:\t%u kB\nVmRSS:\t%u kB\n", size, size,
             process.space.locked_bytes() >> kib_shift, held, held);
  text.print("VmData:\t%u kB\nVmStk:\t%u kB\nVmExe:\t%u kB\nVmSwap:\t0 kB\nThreads:\t%u\n", sizes.data, sizes.stack,
             sizes.code, static_cast<uint64_t>(process.thread_count));
  write_status_of_signals(text, process);
  text.append("NoNewPrivs:\t0\nSeccomp:\t0\n");
  write_status_of_cpus(text, process);
}

void write_limits(Text& text, Process& process, int64_t) {
  constexpr uint64_t unlimited = ~0ull;
  struct Row {
    const char* name;
    uint64_t soft, hard;
    const char* unit;
  };
  const MemoryPlan memory = process.app != nullptr ? process.app->memory : MemoryPlan();
  const Row rows[] = {
      {"Max cpu time", unlimited, unlimited, "seconds"},
      {"Max file size", unlimited, unlimited, "bytes"},
      {"Max data size", memory.heap_size, unlimited, "bytes"},
      {"Max stack size", memory.stack_size, unlimited, "bytes"},
      {"Max core file size", 0, 0, "bytes"},
      {"Max resident set", unlimited, unlimited, "bytes"},
      {"Max processes", unlimited, unlimited, "processes"},
      {"Max open files", FdTable::limit, FdTable::limit, "files"},
      {"Max locked memory", unlimited, unlimited, "bytes"},
      {"Max address space", unlimited, unlimited, "bytes"},
      {"Max file locks", unlimited, unlimited, "locks"},
      {"Max pending signals", unlimited, unlimited, "signals"},
      {"Max msgqueue size", unlimited, unlimited, "bytes"},
      {"Max nice priority", unlimited, unlimited, ""},
      {"Max realtime priority", unlimited, unlimited, ""},
      {"Max realtime timeout", unlimited, unlimited, "us"},
  };
  const auto column = [&](const char* entry, uint64_t width) {
    text.append(entry);
    for (uint64_t length = strlen(entry); length < width; ++length) text.append(" ");
  };
  const auto number = [&](uint64_t value) {
    char digits[24];
    format(digits, sizeof(digits), "%u", value);
    column(value == unlimited ? "unlimited" : digits, 21);
  };
  column("Limit", 26);
  column("Soft Limit", 21);
  column("Hard Limit", 21);
  text.append("Units     \n");
  for (const Row& row : rows) {
    column(row.name, 26);
    number(row.soft);
    number(row.hard);
    column(row.unit, 10);
    text.append("\n");
  }
}

void write_mounts(Text& text, Process&, int64_t) {
  text.print("host / host rw 0 0\n");
  for_each_mount(
      [](const char* path, const char* type, void* context) {
        static_cast<Text*>(context)->print("%s %s %s rw 0 0\n", type, path, type);
      },
      &text);
}

void write_mount_information(Text& text, Process&, int64_t) {
  struct Lines {
    Text& text;
    uint64_t number = 1;
  } lines{text};
  text.print("1 1 0:1 / / rw - host host rw\n");
  for_each_mount(
      [](const char* path, const char* type, void* context) {
        auto& to = *static_cast<Lines*>(context);
        ++to.number;
        to.text.print("%u 1 0:%u / %s rw - %s %s rw\n", to.number, to.number, path, type, type);
      },
      &lines);
}

void write_cgroup(Text& text, Process&, int64_t) { text.append("0::/\n"); }
void write_wait_channel(Text& text, Process&, int64_t) { text.append("0"); }
void write_zero(Text& text, Process&, int64_t) { text.append("0\n"); }
/// Nobody logged in: (uid_t)-1.
void write_no_login(Text& text, Process&, int64_t) { text.append("4294967295"); }

}  // namespace

void write_cpu_list(Text& text, const uint64_t mask[4]) {
  const auto has = [&](uint64_t cpu) { return cpu < max_cpus && (mask[cpu / 64] >> cpu % 64 & 1) != 0; };
  const char* separator = "";
  for (uint64_t cpu = 0; cpu < max_cpus; ++cpu) {
    if (!has(cpu)) continue;
    const uint64_t first = cpu;
    while (has(cpu + 1)) ++cpu;
    if (first == cpu) text.print("%s%u", separator, first);
    else text.print("%s%u-%u", separator, first, cpu);
    separator = ",";
  }
  text.append("\n");
}

void write_descriptor(Text& text, File& file) {
  FileStatus status;
  const Sysret told = file.status(status);
  text.print("pos:\t%d\nflags:\t0", max<int64_t>(file.seek(0, SEEK_CUR), 0));
  add_octal(text, file.flags(), 1);
  text.print("\nmnt_id:\t1\nino:\t%u\n", told < 0 ? 0 : status.inode);
}

const ProcessText process_texts[] = {
    {"auxv", true, write_auxiliary_vector},
    {"cgroup", false, write_cgroup},
    {"cmdline", false, write_command_line},
    {"comm", false, write_command},
    {"environ", true, write_environment},
    {"limits", false, write_limits},
    {"loginuid", false, write_no_login},
    {"maps", true, write_maps},
    {"mountinfo", false, write_mount_information},
    {"mounts", false, write_mounts},
    {"oom_score", false, write_zero},
    {"oom_score_adj", false, write_zero},
    {"smaps", true, write_smaps},
    {"stat", false, write_process_stat},
    {"statm", false, write_statm},
    {"status", false, write_status},
    {"wchan", false, write_wait_channel},
};
const size_t process_text_count = sizeof(process_texts) / sizeof(process_texts[0]);

}  // namespace hobbes::lwk::fs
