// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/procfs.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/made_files.hpp"
#include "cokernel/kernel/fs/path.hpp"
#include "cokernel/kernel/fs/proc_texts.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t proc_device = 5, root_inode = 1;

/// What a path below /proc names.
enum class What {
  root, directory, text, self, thread_self, mounts, process, process_text, exe, cwd, process_root, fds, fd, fd_infos,
  fd_info, tasks,
};

struct Entry {
  What what = What::root;
  int pid = 0;
  int tid = 0;           ///< of a process' task; 0: the process itself
  int fd = 0;
  size_t index = 0;      ///< of a text's row
  const char* path = ""; ///< of a directory between rows, without '/' at its start
};

/// A decimal number that is all of [text, text + length), or -1.
int parse_number(const char* text, size_t length) {
  constexpr size_t most_digits = 9;
  if (length == 0 || length > most_digits) return -1;
  int number = 0;
  for (size_t i = 0; i < length; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

/// Under process_lock.
Process* find_shown(int pid) { return pid > 0 ? find_process(pid) : nullptr; }

uint32_t uid_of(const Process& process) { return process.credentials.user.effective; }
bool owns(const Caller& caller, const Process& process) { return caller.privileged() || caller.uid == uid_of(process); }

/// A descriptor of any process. Under process_lock.
FileRef file_at(Process& process, int fd) {
  Guard guard(process.files_lock);
  return file_of(process, fd);
}

int find_in_process(const char* rest, Entry& entry);

/// "/<tid>..." of a process' tasks.
int find_in_tasks(const char* rest, Entry& entry) {
  ++rest;
  const char* slash = strchr(rest, '/');
  const size_t length = slash != nullptr ? static_cast<size_t>(slash - rest) : strlen(rest);
  entry.tid = parse_number(rest, length);
  return entry.tid > 0 ? find_in_process(rest + length, entry) : -ENOENT;
}

int find_in_process(const char* rest, Entry& entry) {
  if (*rest == '\0') {
    entry.what = What::process;
    return 0;
  }
  ++rest;
  struct Special {
    const char* name;
    What what;
  };
  static constexpr Special specials[] = {
      {"exe", What::exe}, {"cwd", What::cwd}, {"root", What::process_root}, {"fd", What::fds},
      {"fdinfo", What::fd_infos}};
  for (const Special& special : specials) {
    if (strcmp(rest, special.name) != 0) continue;
    entry.what = special.what;
    return 0;
  }
  for (entry.index = 0; entry.index < process_text_count; ++entry.index) {
    if (strcmp(rest, process_texts[entry.index].path) != 0) continue;
    entry.what = What::process_text;
    return 0;
  }
  const char* number = path_below(rest, "fd");
  entry.what = number != nullptr ? What::fd : What::fd_info;
  if (number == nullptr) number = path_below(rest, "fdinfo");
  if (number != nullptr) {
    entry.fd = parse_number(number + 1, strlen(number + 1));
    return entry.fd >= 0 ? 0 : -ENOENT;
  }
  const char* task = entry.tid == 0 ? path_below(rest, "task") : nullptr;
  if (task == nullptr) return -ENOENT;
  entry.what = What::tasks;
  return *task == '\0' ? 0 : find_in_tasks(task, entry);
}

int find(const char* path, Entry& entry) {
  if (*path == '\0') return 0;
  ++path;
  struct Link {
    const char* name;
    What what;
  };
  static constexpr Link links[] = {{"self", What::self}, {"thread-self", What::thread_self}, {"mounts", What::mounts}};
  for (const Link& link : links) {
    if (strcmp(path, link.name) != 0) continue;
    entry.what = link.what;
    return 0;
  }
  const char* slash = strchr(path, '/');
  const size_t length = slash != nullptr ? static_cast<size_t>(slash - path) : strlen(path);
  entry.pid = parse_number(path, length);
  if (entry.pid >= 0) return find_in_process(path + length, entry);
  for (entry.index = 0; entry.index < proc_text_count; ++entry.index) {
    const char* row = proc_texts[entry.index].path;
    if (strcmp(path, row) == 0) {
      entry.what = What::text;
      return 0;
    }
    if (path_below(row, path) != nullptr) {
      entry.what = What::directory;
      entry.path = path;
      return 0;
    }
    if (path_below(path, row) != nullptr) return -ENOTDIR;
  }
  return -ENOENT;
}

uint32_t mode_of(const Entry& entry) {
  switch (entry.what) {
    case What::root: case What::directory: case What::process: case What::tasks: return S_IFDIR | 0555;
    case What::fds: case What::fd_infos: return S_IFDIR | 0500;
    case What::fd_info: return S_IFREG | 0400;
    case What::text: return S_IFREG | 0444;
    case What::process_text: return S_IFREG | (process_texts[entry.index].own_only ? 0400u : 0444u);
    default: return S_IFLNK | 0777;
  }
}

/// Whether `tid` (0: any) is a thread of the process. Under process_lock.
bool has_task(Process& process, int tid) {
  if (tid == 0) return true;
  for (const Thread& thread : process.threads)
    if (thread.tid == tid) return true;
  return false;
}

/// Of the entry itself. 0 or -ENOENT.
int describe(const Entry& entry, FileStatus& status) {
  constexpr uint64_t row_shift = 8, pid_shift = 16, fd_base = 0x80;
  const bool is_descriptor = entry.what == What::fd || entry.what == What::fd_info;
  status = FileStatus();
  status.device = proc_device;
  status.mode = mode_of(entry);
  status.inode = root_inode + (static_cast<uint64_t>(entry.what) << 4) + (entry.index << row_shift) +
                 (is_descriptor ? fd_base + static_cast<uint64_t>(entry.fd) : 0) +
                 (static_cast<uint64_t>(max(entry.pid, 0)) << pid_shift);
  status.block_size = 1024;
  status.atime_ns = status.mtime_ns = status.ctime_ns = realtime_ns();
  if (entry.pid <= 0) return 0;
  Guard guard(process_lock());
  Process* process = find_shown(entry.pid);
  if (process == nullptr || !has_task(*process, entry.tid)) return -ENOENT;
  status.uid = uid_of(*process);
  status.gid = process->credentials.group.effective;
  return 0;
}

/// The open file that /proc/<pid>/fd/<n> stands for.
int find_file(const Caller& caller, const Entry& entry, FileRef& file) {
  Guard guard(process_lock());
  Process* process = find_shown(entry.pid);
  if (process == nullptr) return -ENOENT;
  if (!owns(caller, *process)) return -EACCES;
  file = file_at(*process, entry.fd);
  return file ? 0 : -ENOENT;
}

bool reopens(const Caller& caller, const Entry& entry) {
  FileRef file;
  return find_file(caller, entry, file) == 0 && file->can_reopen();
}

int open_descriptor(const Caller& caller, const Entry& entry, uint32_t flags, FileRef& file) {
  FileRef there;
  if (const int error = find_file(caller, entry, there); error != 0) return error;
  if (there->can_reopen()) return there->reopen(caller, flags, file);
  file = there;
  return 0;
}

/// The text of a link. 0 or -errno.
int link_text(const Caller& caller, const Entry& entry, char* to) {
  if (entry.what == What::self) {
    format(to, path_limit, "%d", static_cast<int64_t>(caller.process->pid));
    return 0;
  }
  if (entry.what == What::thread_self) {
    format(to, path_limit, "%d/task/%d", static_cast<int64_t>(caller.process->pid),
           static_cast<int64_t>(port::current().tid));
    return 0;
  }
  if (entry.what == What::mounts) {
    copy_string(to, "self/mounts", path_limit);
    return 0;
  }
  if (entry.what == What::fd) {
    FileRef file;
    if (const int error = find_file(caller, entry, file); error != 0) return error;
    copy_string(to, file->path(), path_limit);
    return 0;
  }
  Guard guard(process_lock());
  Process* process = find_shown(entry.pid);
  if (process == nullptr) return -ENOENT;
  if (!owns(caller, *process)) return -EACCES;
  switch (entry.what) {
    case What::exe: copy_string(to, process->executable, path_limit); break;
    case What::process_root: copy_string(to, "/", path_limit); break;
    case What::cwd: {
      Guard files(process->files_lock);
      copy_string(to, process->cwd, path_limit);
      break;
    }
    default: return -EINVAL;
  }
  return *to != '\0' ? 0 : -ENOENT;
}

void list_root(ListedDirectory& directory) {
  Guard guard(process_lock());
  for (const Process& process : all_processes()) {
    char number[16];
    format(number, sizeof(number), "%d", static_cast<int64_t>(process.pid));
    directory.add(number, S_IFDIR, static_cast<uint64_t>(process.pid) << 16);
  }
  static constexpr const char* links[] = {"mounts", "self", "thread-self"};
  for (const char* name : links) directory.add(name, S_IFLNK, root_inode);
}

/// The rows right below `path`, each once: rows with a common directory stand together.
void list_rows(ListedDirectory& directory, const char* path) {
  char last[32] = {};
  for (size_t i = 0; i < proc_text_count; ++i) {
    const char* rest = *path == '\0' ? proc_texts[i].path : path_below(proc_texts[i].path, path);
    if (rest == nullptr) continue;
    if (*rest == '/') ++rest;
    const char* slash = strchr(rest, '/');
    char name[32];
    copy_string(name, rest, slash != nullptr ? min(sizeof(name), static_cast<size_t>(slash - rest) + 1) : sizeof(name));
    if (strcmp(name, last) == 0) continue;
    copy_string(last, name, sizeof(last));
    directory.add(name, slash != nullptr ? S_IFDIR : S_IFREG, root_inode + 1 + i);
  }
}

void list_process(ListedDirectory& directory, bool is_task) {
  for (size_t i = 0; i < process_text_count; ++i) directory.add(process_texts[i].path, S_IFREG, root_inode + 1 + i);
  static constexpr const char* links[] = {"cwd", "exe", "root"};
  for (const char* name : links) directory.add(name, S_IFLNK, root_inode);
  directory.add("fd", S_IFDIR, root_inode);
  directory.add("fdinfo", S_IFDIR, root_inode);
  if (!is_task) directory.add("task", S_IFDIR, root_inode);
}

int list_tasks(int pid, ListedDirectory& directory) {
  Guard guard(process_lock());
  Process* process = find_shown(pid);
  if (process == nullptr) return -ENOENT;
  for (const Thread& thread : process->threads) {
    char number[16];
    format(number, sizeof(number), "%d", static_cast<int64_t>(thread.tid));
    directory.add(number, S_IFDIR, static_cast<uint64_t>(thread.tid) << 16);
  }
  return 0;
}

int list_descriptors(const Caller& caller, int pid, uint32_t type, ListedDirectory& directory) {
  Guard guard(process_lock());
  Process* process = find_shown(pid);
  if (process == nullptr) return -ENOENT;
  if (!owns(caller, *process)) return -EACCES;
  Guard files(process->files_lock);
  if (process->files == nullptr) return 0;
  for (int fd = process->files->next_open(0); fd >= 0; fd = process->files->next_open(fd + 1)) {
    char number[16];
    format(number, sizeof(number), "%d", static_cast<int64_t>(fd));
    directory.add(number, type, root_inode + static_cast<uint64_t>(fd));
  }
  return 0;
}

int open_directory(const Caller& caller, const Entry& entry, const FileStatus& status, uint32_t flags, FileRef& file) {
  auto* directory = new (nothrow) ListedDirectory(flags, status);
  file = FileRef::adopt(directory);
  if (!file) return -ENOMEM;
  int error = 0;
  if (entry.what == What::root) list_root(*directory);
  if (entry.what == What::root || entry.what == What::directory) list_rows(*directory, entry.path);
  if (entry.what == What::process) list_process(*directory, entry.tid != 0);
  if (entry.what == What::tasks) error = list_tasks(entry.pid, *directory);
  if (entry.what == What::fds) error = list_descriptors(caller, entry.pid, S_IFLNK, *directory);
  if (entry.what == What::fd_infos) error = list_descriptors(caller, entry.pid, S_IFREG, *directory);
  return error != 0 ? error : directory->failed() ? -ENOMEM : 0;
}

int open_text(const Caller& caller, const Entry& entry, const FileStatus& status, uint32_t flags, FileRef& file) {
  auto* created = new (nothrow) TextFile(flags, status);
  file = FileRef::adopt(created);
  if (!file) return -ENOMEM;
  if (entry.what == What::text) {
    proc_texts[entry.index].write(created->text());
  } else if (entry.what == What::fd_info) {
    FileRef described;
    if (const int error = find_file(caller, entry, described); error != 0) return error;
    write_descriptor(created->text(), *described);
  } else {
    const ProcessText& row = process_texts[entry.index];
    Guard guard(process_lock());
    Process* process = find_shown(entry.pid);
    if (process == nullptr) return -ENOENT;
    if (row.own_only && !owns(caller, *process)) return -EACCES;
    row.write(created->text(), *process, entry.tid != 0 ? entry.tid : entry.pid);
  }
  return created->text().failed() ? -ENOMEM : 0;
}

}  // namespace

int Procfs::follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory) {
  // The prefixes of the path, shortest first; `prefix` is one at a time.
  PathText prefix;
  if (!prefix) return -ENOMEM;
  PathWalk walk(path);
  const char* name = nullptr;
  size_t length = 0;
  while (walk.next(name, length)) {
    const auto end = static_cast<size_t>(name - path) + length;
    copy_string(prefix.text(), path, end + 1);
    Entry entry;
    if (find(prefix.text(), entry) != 0) return 0;  // the call itself will say why
    if ((mode_of(entry) & S_IFMT) != S_IFLNK || (*walk.rest() == '\0' && !last)) continue;
    if (const int error = link_text(caller, entry, target); error != 0) return error;
    // What has no path (a pipe, the launcher's terminal) is not a link to follow: open() hands out the file itself.
    if (entry.what == What::fd && (*target != '/' || reopens(caller, entry))) return 0;
    directory = end - length - 1;
    const size_t used = strlen(target);
    return copy_string(target + used, walk.rest(), path_limit - used) < path_limit - used ? 1 : -ENAMETOOLONG;
  }
  return 0;
}

int Procfs::open(const Caller& caller, const char* path, uint32_t flags, uint32_t, FileRef& file) {
  Entry entry;
  if (const int error = find(path, entry); error != 0) return error;
  FileStatus now;
  if (const int error = describe(entry, now); error != 0) return error;
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
  if (entry.what == What::fd && (flags & O_NOFOLLOW) == 0) return open_descriptor(caller, entry, flags, file);
  if (is_link(now.mode)) return -ELOOP;
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (is_directory(now.mode))
    return writes || (flags & O_CREAT) != 0 ? -EISDIR : open_directory(caller, entry, now, flags, file);
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  return writes ? -EACCES : open_text(caller, entry, now, flags, file);
}

int Procfs::status(const Caller& caller, const char* path, bool follow, FileStatus& status) {
  Entry entry;
  if (const int error = find(path, entry); error != 0) return error;
  if (entry.what == What::fd) {
    FileRef file;
    if (const int error = find_file(caller, entry, file); error != 0) return error;
    if (follow) return static_cast<int>(file->status(status));
  }
  return describe(entry, status);
}

Sysret Procfs::read_link(const Caller& caller, const char* path, char* to, uint64_t size) {
  Entry entry;
  if (const int error = find(path, entry); error != 0) return error;
  if ((mode_of(entry) & S_IFMT) != S_IFLNK) return -EINVAL;
  PathText text;
  if (!text) return -ENOMEM;
  if (const int error = link_text(caller, entry, text.text()); error != 0) return error;
  const uint64_t length = min<uint64_t>(size, strlen(text.text()));
  memcpy(to, text.text(), length);
  return static_cast<Sysret>(length);
}

int Procfs::usage(const Caller&, const char*, LinuxStatfs& usage) {
  constexpr int64_t proc_magic = 0x9fa0;
  usage = {};
  usage.type = proc_magic;
  usage.bsize = usage.frsize = page_size;
  usage.namelen = name_limit;
  return 0;
}

}  // namespace hobbes::lwk::fs
