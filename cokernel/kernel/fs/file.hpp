// SPDX-License-Identifier: Apache-2.0
// File: an open file description. Descriptors of one or several processes share it; the last one to let go closes it.
#pragma once

#include "cokernel/kernel/fs/attributes.hpp"
#include "cokernel/kernel/fs/file_abi.hpp"
#include "cokernel/kernel/fs/io_vector.hpp"
#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/wait_queue.hpp"

namespace hobbes::lwk {
struct SharedMemory;
}

namespace hobbes::lwk::fs {

class FileRef;
class HostFile;
struct Caller;
class LocalSocket;

/// What ends with a file: an epoll's interest in it. Whose lock guards it, and who ends it, says epoll.cpp.
struct Watch : ListNode {
  virtual ~Watch() = default;
};

/// Files that calls of their own know how to use.
enum class FileKind : uint8_t { other, epoll, timer, signals };

/// What stat tells.
struct FileStatus {
  uint64_t device = 0, inode = 0, links = 1;
  uint32_t mode = 0, uid = 0, gid = 0;
  uint64_t special_device = 0;
  uint64_t size = 0, block_size = page_size, blocks = 0;  ///< blocks of 512 bytes
  int64_t atime_ns = 0, mtime_ns = 0, ctime_ns = 0;
};

/// A change of what stat tells: only what is set.
struct Change {
  bool set_mode = false, set_uid = false, set_gid = false, set_atime = false, set_mtime = false, set_size = false;
  bool now = false;  ///< times: to the current time, which needs less permission than any other
  uint32_t mode = 0, uid = 0, gid = 0;
  int64_t atime_ns = 0, mtime_ns = 0;
  uint64_t size = 0;

  [[nodiscard]] bool empty() const {
    return !(set_mode || set_uid || set_gid || set_atime || set_mtime || set_size);
  }
};

/// Every call may be made by any thread; results are -errno or what the system call of that name returns. Defaults are
/// those of something one can neither read, write nor seek.
class File : Immovable {
 public:
  explicit File(uint32_t flags) : flags_(flags) {}
  virtual ~File();

  virtual Sysret read(IoVector& to);
  virtual Sysret write(IoVector& from);
  virtual Sysret read_at(IoVector& to, uint64_t offset);
  virtual Sysret write_at(IoVector& from, uint64_t offset);
  /// At the end, whatever the position, which follows if the call is `at_position`. Where there is no end: write().
  virtual Sysret append(IoVector& from, bool at_position);
  /// Whether reading and writing never wait.
  [[nodiscard]] virtual bool never_waits() const { return false; }
  virtual Sysret seek(int64_t offset, uint32_t whence);
  virtual Sysret status(FileStatus& status) = 0;
  /// S_IFMT of its mode, which never changes; or -errno.
  virtual Sysret type();
  virtual Sysret change(const Change& change);
  /// Directory entries as getdents64 gives them.
  virtual Sysret read_entries(IoVector& to);
  virtual Sysret control(uint32_t request, uint64_t argument);
  virtual Sysret sync(bool data_only);
  virtual Sysret usage(LinuxStatfs& usage);
  virtual Sysret attribute(const AttributeRequest& request) { return request.refuse(); }
  /// Memory of its own for a shared mapping, which `writes` or, unless a seal forbids it, may be made to (`may_write`):
  /// 0 or -errno. -ENODEV: it has none.
  virtual int share(uint64_t offset, uint64_t size, bool writes, bool& may_write, SharedMemory*& memory);
  /// fallocate, on a writable file.
  virtual Sysret reserve(uint32_t mode, uint64_t offset, uint64_t size);
  /// F_GET_SEALS and F_ADD_SEALS.
  /// A file that /proc/<pid>/fd opens anew by itself, because it may have no name any more; others are opened by their
  /// path, or are handed out as they are.
  virtual bool can_reopen() { return false; }
  /// 0 or -errno. Only where can_reopen().
  [[nodiscard]] virtual int reopen(const Caller&, uint32_t, FileRef&) { return -ENXIO; }
  virtual Sysret seals();
  virtual Sysret add_seals(uint32_t seals);
  /// F_SETFL has changed the flags.
  virtual Sysret flags_changed(uint32_t flags);
  /// F_GETFL.
  virtual Sysret current_flags() { return flags(); }
  /// The PollEvents that hold now.
  virtual uint32_t poll();
  /// Woken when poll() may have changed; null: it never does.
  virtual WaitQueue* queue() { return nullptr; }
  /// When poll() may have changed though nobody wakes queue(), on the monotonic clock: a timer expires; or, where
  /// nobody knows, when to look again. never: it does not.
  virtual int64_t changes_at() { return never; }
  /// Whether poll() tells anything: what is always ready cannot be waited for (epoll).
  virtual bool can_wait() { return queue() != nullptr; }
  /// The host's file, if it is one.
  virtual HostFile* host() { return nullptr; }
  /// A socketpair's end, if it is one.
  virtual LocalSocket* local_socket() { return nullptr; }
  /// The host's file whose readiness is its own, or part of it.
  virtual HostFile* host_part() { return host(); }
  [[nodiscard]] virtual FileKind file_kind() const { return FileKind::other; }

  /// O_* without those that only matter while opening.
  [[nodiscard]] uint32_t flags() const { return __atomic_load_n(&flags_, __ATOMIC_RELAXED); }  // a hint, no order
  void set_flags(uint32_t flags) { __atomic_store_n(&flags_, flags, __ATOMIC_RELAXED); }
  [[nodiscard]] bool nonblocking() const { return (flags() & O_NONBLOCK) != 0; }
  [[nodiscard]] bool readable() const { return (flags() & (O_ACCMODE | O_PATH)) != O_WRONLY && !path_only(); }
  [[nodiscard]] bool writable() const { return (flags() & O_ACCMODE) != O_RDONLY && !path_only(); }
  [[nodiscard]] bool path_only() const { return (flags() & O_PATH) != 0; }

  /// The absolute path it was opened by, or a name like "pipe:[7]". Constant once the file is in a table.
  [[nodiscard]] const char* path() const { return path_ != nullptr ? path_ : ""; }
  [[nodiscard]] int set_path(const char* path);

  void hold() { __atomic_add_fetch(&references_, 1, __ATOMIC_RELAXED); }  // the caller has one already
  void drop();

  // Under the lock of epoll.cpp. `watched` is set by the first watch and stays.
  List<Watch> watches;
  void set_watched() { __atomic_store_n(&watched_, true, __ATOMIC_RELAXED); }  // the caller holds a reference

 private:
  bool watched_ = false;
  uint32_t references_ = 1;
  uint32_t flags_;
  char* path_ = nullptr;
};

/// What pollers look for next of two times, which may be never.
[[nodiscard]] constexpr int64_t sooner(int64_t a, int64_t b) { return a == never ? b : b == never ? a : min(a, b); }

/// A file with a position: read, write and seek in terms of read_at, write_at and the size.
class PositionedFile : public File {
 public:
  using File::File;
  Sysret read(IoVector& to) override;
  Sysret write(IoVector& from) override;
  Sysret seek(int64_t offset, uint32_t whence) override;
  Sysret sync(bool data_only) override;

 protected:
  Mutex position_lock_;
  uint64_t position_ = 0;  ///< under position_lock_
};

class FileRef {
 public:
  FileRef() = default;
  /// Takes over the reference the creator has.
  static FileRef adopt(File* file) {
    FileRef reference;
    reference.file_ = file;
    return reference;
  }
  FileRef(const FileRef& other) : file_(other.file_) {
    if (file_ != nullptr) file_->hold();
  }
  FileRef(FileRef&& other) noexcept : file_(other.release()) {}
  FileRef& operator=(FileRef other) noexcept {
    File* mine = file_;
    file_ = other.file_;
    other.file_ = mine;
    return *this;
  }
  ~FileRef() {
    if (file_ != nullptr) file_->drop();
  }
  [[nodiscard]] File* get() const { return file_; }
  File* operator->() const { return file_; }
  File& operator*() const { return *file_; }
  explicit operator bool() const { return file_ != nullptr; }
  [[nodiscard]] File* release() {
    File* file = file_;
    file_ = nullptr;
    return file;
  }

 private:
  File* file_ = nullptr;
};

/// For exec, mmap and the control task: transfers of kernel memory, whatever the file was opened for is checked. Offsets
/// beyond any file's end read as end of file; writing there is -EFBIG.
[[nodiscard]] Sysret read_at(File& file, void* memory, uint64_t size, uint64_t offset);
[[nodiscard]] Sysret write_at(File& file, const void* memory, uint64_t size, uint64_t offset);
[[nodiscard]] Sysret file_size(File& file);
[[nodiscard]] Sysret status_of(File& file, FileStatus& status);
[[nodiscard]] inline const char* path_of(const File& file) { return file.path(); }
/// Whether mmap may read it in: 0, -EACCES (not open for reading), -ENODEV (not a regular file).
[[nodiscard]] int may_map(File& file);

}  // namespace hobbes::lwk::fs
