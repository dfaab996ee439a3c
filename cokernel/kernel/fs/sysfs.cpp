// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/sysfs.hpp"

#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/made_files.hpp"
#include "cokernel/kernel/fs/path.hpp"
#include "cokernel/kernel/fs/proc_texts.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t sys_device = 7, root_inode = 1;

struct Row {
  const char* name;
  void (*write)(Text& text, uint32_t cpu);
};

void present_cpus(uint64_t (&mask)[4]) {
  memset(mask, 0, sizeof(mask));
  for (uint32_t cpu = 0; cpu < max_cpus; ++cpu)
    if (machine_cpu(cpu) >= 0) mask[cpu / 64] |= 1ull << cpu % 64;
}

void write_present(Text& text, uint32_t) {
  uint64_t mask[4];
  present_cpus(mask);
  write_cpu_list(text, mask);
}

/// A mask as Linux writes it: 32 bits at a time, the highest first.
void write_mask(Text& text, const uint64_t (&mask)[4]) {
  for (uint32_t word = max_cpus / 32; word > 0; --word) {
    const uint64_t bits = mask[(word - 1) / 2] >> ((word - 1) % 2 * 32) & 0xffffffff;
    for (uint32_t digit = 8; digit > 0; --digit) text.append(&"0123456789abcdef"[bits >> (digit - 1) * 4 & 0xf], 1);
    text.append(word > 1 ? "," : "\n");
  }
}
void write_present_mask(Text& text, uint32_t) {
  uint64_t mask[4];
  present_cpus(mask);
  write_mask(text, mask);
}
void write_own_mask(Text& text, uint32_t cpu) {
  uint64_t mask[4] = {};
  mask[cpu / 64] = 1ull << cpu % 64;
  write_mask(text, mask);
}
void write_none(Text& text, uint32_t) { text.append("\n"); }
void write_largest(Text& text, uint32_t) { text.print("%u\n", static_cast<uint64_t>(max_cpus - 1)); }
void write_zero(Text& text, uint32_t) { text.append("0\n"); }
void write_number(Text& text, uint32_t cpu) { text.print("%u\n", static_cast<uint64_t>(cpu)); }

/// Every CPU is a core of its own, all of one package: what they share with others is not the enclave's to know.
constexpr Row cpu_rows[] = {{"isolated", write_none}, {"kernel_max", write_largest}, {"offline", write_none},
                            {"online", write_present}, {"possible", write_present}, {"present", write_present}};
constexpr Row topology_rows[] = {
    {"core_cpus", write_own_mask},          {"core_cpus_list", write_number},
    {"core_id", write_number},              {"core_siblings", write_present_mask},
    {"core_siblings_list", write_present},  {"package_cpus", write_present_mask},
    {"package_cpus_list", write_present},   {"physical_package_id", write_zero},
    {"thread_siblings", write_own_mask},    {"thread_siblings_list", write_number},
};

/// What a path below /sys/devices/system names.
enum class What { root, cpus, cpu, topology, file };
struct Entry {
  What what = What::root;
  uint32_t cpu = 0;
  const Row* row = nullptr;
};

template <size_t count>
int find_row(const char* name, const Row (&rows)[count], Entry& entry) {
  for (const Row& row : rows) {
    if (strcmp(name, row.name) != 0) continue;
    entry.what = What::file;
    entry.row = &row;
    return 0;
  }
  return -ENOENT;
}

/// "3..." of "cpu3": what follows the number, or null.
const char* find_cpu(const char* text, uint32_t& cpu) {
  const char* at = text;
  for (cpu = 0; *at >= '0' && *at <= '9' && cpu < max_cpus; ++at) cpu = cpu * 10 + static_cast<uint32_t>(*at - '0');
  const bool canonical = at != text && (*text != '0' || at == text + 1);
  return canonical && (*at == '\0' || *at == '/') && machine_cpu(cpu) >= 0 ? at : nullptr;
}

int find(const char* path, Entry& entry) {
  if (*path == '\0') return 0;
  path = path_below(path, "/cpu");
  if (path == nullptr) return -ENOENT;
  entry.what = What::cpus;
  if (*path == '\0') return 0;
  ++path;
  const char* rest = strncmp(path, "cpu", 3) == 0 ? find_cpu(path + 3, entry.cpu) : nullptr;
  if (rest == nullptr) return find_row(path, cpu_rows, entry);
  entry.what = What::cpu;
  if (*rest == '\0') return 0;
  rest = path_below(rest, "/topology");
  if (rest == nullptr) return -ENOENT;
  entry.what = What::topology;
  return *rest == '\0' ? 0 : find_row(rest + 1, topology_rows, entry);
}

FileStatus describe(const Entry& entry) {
  constexpr uint64_t cpu_shift = 8, row_shift = 24, row_mask = 0xffff;
  FileStatus status;
  status.device = sys_device;
  status.mode = entry.what == What::file ? S_IFREG | 0444 : S_IFDIR | 0555;
  status.inode = root_inode + static_cast<uint64_t>(entry.what) + (static_cast<uint64_t>(entry.cpu) << cpu_shift) +
                 ((reinterpret_cast<uint64_t>(entry.row) & row_mask) << row_shift);
  status.size = entry.what == What::file ? page_size : 0;
  return status;
}

template <size_t count>
void list_rows(ListedDirectory& directory, const Row (&rows)[count]) {
  for (const Row& row : rows) directory.add(row.name, S_IFREG, root_inode);
}

void list(ListedDirectory& directory, const Entry& entry) {
  switch (entry.what) {
    case What::root: directory.add("cpu", S_IFDIR, root_inode); break;
    case What::cpu: directory.add("topology", S_IFDIR, root_inode); break;
    case What::topology: list_rows(directory, topology_rows); break;
    case What::file: break;
    case What::cpus:
      list_rows(directory, cpu_rows);
      for (uint32_t cpu = 0; cpu < max_cpus; ++cpu) {
        if (machine_cpu(cpu) < 0) continue;
        char name[16];
        format(name, sizeof(name), "cpu%u", static_cast<uint64_t>(cpu));
        directory.add(name, S_IFDIR, root_inode);
      }
      break;
  }
}

}  // namespace

int Sysfs::open(const Caller&, const char* path, uint32_t flags, uint32_t, FileRef& file) {
  Entry entry;
  if (const int error = find(path, entry); error != 0) return (flags & O_CREAT) != 0 ? -EACCES : error;
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (entry.what != What::file) {
    if (writes || (flags & O_CREAT) != 0) return -EISDIR;
    auto* directory = new (nothrow) ListedDirectory(flags, describe(entry));
    file = FileRef::adopt(directory);
    if (!file) return -ENOMEM;
    list(*directory, entry);
    return directory->failed() ? -ENOMEM : 0;
  }
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (writes) return -EACCES;
  auto* text = new (nothrow) TextFile(flags, describe(entry));
  file = FileRef::adopt(text);
  if (!file) return -ENOMEM;
  entry.row->write(text->text(), entry.cpu);
  return text->text().failed() ? -ENOMEM : 0;
}

int Sysfs::status(const Caller&, const char* path, bool, FileStatus& status) {
  Entry entry;
  if (const int error = find(path, entry); error != 0) return error;
  status = describe(entry);
  return 0;
}

int Sysfs::usage(const Caller&, const char*, LinuxStatfs& usage) {
  constexpr int64_t sysfs_magic = 0x62656572;
  usage = {};
  usage.type = sysfs_magic;
  usage.bsize = usage.frsize = page_size;
  usage.namelen = name_limit;
  return 0;
}

}  // namespace hobbes::lwk::fs
