// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/fd_table.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/console.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/fs/patient_file.hpp"
#include "cokernel/kernel/fs/record_locks.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t first_size = 32;
constexpr int stdio_count = 3;

int open_stdio(App& app, int fd, FileRef& file) {
  if (app.channel == nullptr) return open_console(O_RDWR, file);
  return HostFile::wrap_stdio(*app.channel, fd, file);
}

}  // namespace

FdTable* FdTable::create_stdio(App& app) {
  Owned<FdTable> table(new (nothrow) FdTable);
  if (!table) return nullptr;
  for (int fd = 0; fd < stdio_count; ++fd) {
    FileRef file;
    if (open_stdio(app, fd, file) != 0 || table->add(static_cast<FileRef&&>(file), false) != fd) return nullptr;
  }
  return table.release();
}

int FdTable::add_rank_descriptor(App& app, uint32_t number) {
  const int host_fd = HOBBES_HIO_FIRST_RANK_FD + static_cast<int>(number);
  FileRef file;
  // All ranks wait for each other, and other calls have to be made meanwhile.
  const bool slots_may_run_out = 2 * app.ranks > HOBBES_HIO_SLOTS;
  if (slots_may_run_out) file = FileRef::adopt(new (nothrow) PatientFile(*app.channel, host_fd, O_RDWR));
  else if (const int error = HostFile::wrap(*app.channel, host_fd, O_RDWR, file); error != 0) return error;
  if (!file) return -ENOMEM;
  const int fd = add(static_cast<FileRef&&>(file), false);
  return fd < 0 ? fd : 0;
}

FdTable* FdTable::copy() {
  Owned<FdTable> table(new (nothrow) FdTable);
  if (!table) return nullptr;
  Guard guard(lock_);
  if (table->grow(size_) != 0) return nullptr;
  for (uint32_t i = 0; i < size_; ++i) {
    table->entries_[i] = entries_[i];
    if (entries_[i].file != nullptr) entries_[i].file->hold();
  }
  return table.release();
}

FdTable::~FdTable() {
  if (has_locks_) release_record_locks(*this);
  for (uint32_t i = 0; i < size_; ++i)
    if (entries_[i].file != nullptr) entries_[i].file->drop();
  release(entries_);
}

int FdTable::grow(uint32_t size) {
  if (size <= size_) return 0;
  uint32_t larger = max(size_, first_size);
  while (larger < size) larger *= 2;
  auto* entries = static_cast<Entry*>(allocate(larger * sizeof(Entry)));
  if (entries == nullptr) return -ENOMEM;
  for (uint32_t i = 0; i < larger; ++i) entries[i] = i < size_ ? entries_[i] : Entry{};
  release(entries_);
  entries_ = entries;
  size_ = larger;
  return 0;
}

FileRef FdTable::get(int fd) {
  Guard guard(lock_);
  if (!is_open(fd)) return FileRef();
  entries_[fd].file->hold();
  return FileRef::adopt(entries_[fd].file);
}

int FdTable::add(FileRef file, bool close_on_exec, int lowest) {
  Guard guard(lock_);
  if (lowest < 0 || (lowest >= given_ && lowest > 0)) return -EINVAL;
  int fd = lowest;
  while (is_open(fd)) ++fd;
  if (fd >= given_) return -EMFILE;
  if (const int error = grow(static_cast<uint32_t>(fd) + 1); error != 0) return error;
  entries_[fd] = {file.release(), close_on_exec};
  return fd;
}

int FdTable::replace(int fd, FileRef file, bool close_on_exec) {
  FileRef before;
  {
    Guard guard(lock_);
    if (fd < 0 || fd >= given_) return -EBADF;
    if (const int error = grow(static_cast<uint32_t>(fd) + 1); error != 0) return error;
    before = FileRef::adopt(entries_[fd].file);
    entries_[fd] = {file.release(), close_on_exec};
  }
  if (before) let_go_of_locks(*before);
  return fd;
}

int FdTable::close(int fd) {
  FileRef file;
  {
    Guard guard(lock_);
    if (!is_open(fd)) return -EBADF;
    file = FileRef::adopt(entries_[fd].file);
    entries_[fd] = {};
  }
  let_go_of_locks(*file);
  return 0;
}

void FdTable::let_go_of_locks(File& file) {
  if (__atomic_load_n(&has_locks_, __ATOMIC_RELAXED)) release_record_locks(*this, file);
}

void FdTable::close_range(uint32_t first, uint32_t last, bool only_mark) {
  for (int fd = next_open(static_cast<int>(min<uint32_t>(first, limit))); fd >= 0 && static_cast<uint32_t>(fd) <= last;
       fd = next_open(fd + 1)) {
    // Somebody else may have closed it by now, which is as good.
    if (only_mark) (void)set_close_on_exec(fd, true);
    else (void)close(fd);
  }
}

void FdTable::close_on_exec() {
  for (int fd = next_open(0); fd >= 0; fd = next_open(fd + 1))
    if (closes_on_exec(fd) == 1) (void)close(fd);
}

int FdTable::closes_on_exec(int fd) {
  Guard guard(lock_);
  return is_open(fd) ? (entries_[fd].close_on_exec ? 1 : 0) : -EBADF;
}

int FdTable::set_close_on_exec(int fd, bool on) {
  Guard guard(lock_);
  if (!is_open(fd)) return -EBADF;
  entries_[fd].close_on_exec = on;
  return 0;
}

int FdTable::next_open(int from) {
  Guard guard(lock_);
  for (int fd = from; static_cast<uint32_t>(fd) < size_; ++fd)
    if (is_open(fd)) return fd;
  return -1;
}

FileRef file_of(Process& process, int fd) { return process.files != nullptr ? process.files->get(fd) : FileRef(); }

}  // namespace hobbes::lwk::fs
