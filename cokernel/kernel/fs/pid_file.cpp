// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/pid_file.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr char pid_file_name[] = "anon_inode:[pidfd]";

class PidFile : public File {
 public:
  explicit PidFile(uint32_t flags) : File(flags | O_RDWR) {}
  ~PidFile() override {
    Guard guard(process_lock());
    watcher_.unlink();
  }

  Sysret status(FileStatus& status) override {
    status.mode = 0600;
    return 0;
  }
  uint32_t poll() override {
    Guard guard(process_lock());
    const bool ended = watcher_.process == nullptr || watcher_.process->state == ProcessState::zombie;
    return ended ? POLLIN | POLLRDNORM : 0;
  }
  WaitQueue* queue() override { return &watcher_.changed; }
  PidWatcher& watcher() { return watcher_; }

 private:
  PidWatcher watcher_;
};

}  // namespace

PidWatcher* pid_watcher_of(File& file) {
  // The name is ours: no file of the host or of a program is called so.
  if (strcmp(file.path(), pid_file_name) != 0) return nullptr;
  return &static_cast<PidFile&>(file).watcher();
}

int make_pid_file(uint32_t flags, FileRef& file) {
  file = FileRef::adopt(new (nothrow) PidFile(flags));
  return file ? file->set_path(pid_file_name) : -ENOMEM;
}

void attach_pid_file(File& file, Process& process) {
  PidWatcher& watcher = *pid_watcher_of(file);
  watcher.process = &process;
  process.pid_watchers.push_back(watcher);
}

}  // namespace hobbes::lwk::fs
