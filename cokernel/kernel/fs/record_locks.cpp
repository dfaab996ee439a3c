// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/record_locks.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t host_set = 37, host_get = 36;  // F_OFD_SETLK, F_OFD_GETLK
constexpr uint64_t end_of_all = INT64_MAX;

/// What is locked: a file.
struct Key {
  bool host = false;
  FileIdentity file;
  bool operator==(const Key& other) const { return host == other.host && file == other.file; }
};

struct Span {
  uint64_t start = 0, end = 0;  ///< behind the last byte
  [[nodiscard]] bool overlaps(const Span& other) const { return start < other.end && other.start < end; }
};

struct Lock : ListNode {
  Key key;
  Span span;
  bool writes = false;
  FdTable* owner = nullptr;
  int pid = 0;
  FileRef via;  ///< the host's file that holds it there; empty: not the host's
};

// One mutex for all: it is held across the host's calls, which do not wait for locks.
Mutex mutex;
List<Lock> locks;
WaitQueue released;

[[nodiscard]] Sysret find_key(File& file, Key& key) {
  key.host = file.host() != nullptr;
  if (key.host) return file.host()->identity(key.file);
  FileStatus status;
  if (const Sysret error = file.status(status); error < 0) return error;
  key.file = {status.device, status.inode};
  return 0;
}

/// The bytes a struct flock means. 0, -EINVAL, -EOVERFLOW.
[[nodiscard]] Sysret find_span(File& file, const FileLock& lock, Span& span) {
  int64_t base = 0;
  if (lock.whence == SEEK_CUR) base = file.seek(0, SEEK_CUR);
  else if (lock.whence == SEEK_END) base = file_size(file);
  else if (lock.whence != SEEK_SET) return -EINVAL;
  if (base < 0) return base;
  int64_t start = 0, end = 0;
  if (__builtin_add_overflow(base, lock.start, &start)) return -EOVERFLOW;
  if (__builtin_add_overflow(start, lock.length, &end)) return -EOVERFLOW;
  if (lock.length < 0) {
    const int64_t below = start;
    start = end;
    end = below;
  }
  if (start < 0) return -EINVAL;
  span = {static_cast<uint64_t>(start), lock.length == 0 ? end_of_all : static_cast<uint64_t>(end)};
  return 0;
}

/// Somebody else's lock that is in the way. Under the mutex.
Lock* find_conflict(const Key& key, const Span& span, bool writes, const FdTable& owner) {
  for (Lock& lock : locks)
    if (lock.owner != &owner && lock.key == key && lock.span.overlaps(span) && (writes || lock.writes)) return &lock;
  return nullptr;
}

Sysret ask_host(File& file, uint32_t command, FileLock& lock) {
  HostFile& host = *file.host();
  HostCall call(host.channel(), OnSignal::ignore);
  if (call.error() != 0) return call.error();
  memcpy(call.data(), &lock, sizeof(lock));
  const Sysret result = call.call(host_fcntl, host.fd(), command, call.data());
  memcpy(&lock, call.data(), sizeof(lock));
  return result;
}

FileLock to_lock(const Span& span, int16_t type) {
  FileLock lock{};
  lock.type = type;
  lock.start = static_cast<int64_t>(span.start);
  lock.length = span.end == end_of_all ? 0 : static_cast<int64_t>(span.end - span.start);
  return lock;
}

/// Makes the host's locks of `via` what those left here say. Under the mutex.
void agree_with_host(File& via, Span span) {
  while (span.start < span.end) {
    Span piece = span;
    int16_t type = FileLock::unlock;
    for (const Lock& lock : locks) {
      if (lock.via.get() != &via || !lock.span.overlaps(span)) continue;
      if (lock.span.start > piece.start) {
        piece.end = min(piece.end, lock.span.start);
      } else if (lock.span.end > piece.start) {
        piece.end = min(piece.end, lock.span.end);
        type = lock.writes ? FileLock::write : FileLock::read;
      }
    }
    FileLock wanted = to_lock(piece, type);
    (void)ask_host(via, host_set, wanted);  // to less than it was: nobody can object
    span.start = piece.end;
  }
}

/// Takes the owner's locks out of a span; the parts outside stay. Under the mutex. 0 or -ENOMEM, with nothing changed.
int cut(const Key& key, const Span& span, const FdTable& owner) {
  for (Lock& lock : locks) {
    if (lock.owner != &owner || !(lock.key == key) || !lock.span.overlaps(span)) continue;
    if (lock.span.start < span.start && lock.span.end > span.end) {
      // The span lies within one lock alone: it is the only one to change.
      auto* rest = new (nothrow) Lock;
      if (rest == nullptr) return -ENOMEM;
      rest->key = lock.key;
      rest->span = {span.end, lock.span.end};
      rest->writes = lock.writes;
      rest->owner = lock.owner;
      rest->pid = lock.pid;
      rest->via = lock.via;
      lock.span.end = span.start;
      locks.push_back(*rest);
      return 0;
    }
    if (lock.span.start < span.start) {
      lock.span.end = span.start;
    } else if (lock.span.end > span.end) {
      lock.span.start = span.end;
    } else {
      lock.unlink();
      delete &lock;
    }
  }
  return 0;
}

/// The host's files that hold the owner's locks in a span, each once, as far as there are few; all but `spared`.
struct Holders {
  static constexpr uint32_t limit = 8;
  FileRef files[limit];
  uint32_t count = 0;

  void collect(const Key& key, const Span& span, const FdTable& owner, const File* spared) {
    for (const Lock& lock : locks) {
      const bool is_there = lock.owner == &owner && lock.key == key && lock.span.overlaps(span);
      if (is_there && lock.via.get() != spared) add(lock.via);
    }
  }
  void add(const FileRef& file) {
    if (!file || count == limit) return;
    for (uint32_t i = 0; i < count; ++i)
      if (files[i].get() == file.get()) return;
    files[count++] = file;
  }
  void agree(const Span& span) {
    for (uint32_t i = 0; i < count; ++i) agree_with_host(*files[i], span);
  }
};

/// Under the mutex; `holders` are let go of outside of it.
Sysret unlock(const Key& key, const Span& span, const FdTable& owner, Holders& holders) {
  holders.collect(key, span, owner, nullptr);
  if (const int error = cut(key, span, owner); error != 0) return error;
  holders.agree(span);
  return 0;
}

/// Under the mutex, when nobody here objects. 0, or -EAGAIN: somebody at the host does.
Sysret lock_span(const Key& key, const Span& span, bool writes, FdTable& owner, const FileRef& file, Holders& holders) {
  Owned<Lock> fresh(new (nothrow) Lock);
  if (!fresh) return -ENOMEM;
  holders.collect(key, span, owner, file.get());
  if (holders.count > 0)  // by another open file: to the host that is another owner
    if (const Sysret error = unlock(key, span, owner, holders); error < 0) return error;
  if (key.host) {
    FileLock wanted = to_lock(span, writes ? FileLock::write : FileLock::read);
    if (const Sysret error = ask_host(*file, host_set, wanted); error < 0) return error;
    fresh->via = file;
  }
  if (const int error = cut(key, span, owner); error != 0) {
    if (key.host) agree_with_host(*file, span);
    return error;
  }
  fresh->key = key;
  fresh->span = span;
  fresh->writes = writes;
  fresh->owner = &owner;
  fresh->pid = port::current().process->pid;
  locks.push_back(*fresh.release());
  return 0;
}

Sysret try_lock(const Key& key, const Span& span, bool writes, FdTable& owner, const FileRef& file) {
  Holders holders;
  Guard guard(mutex);
  return find_conflict(key, span, writes, owner) != nullptr ? -EAGAIN
                                                            : lock_span(key, span, writes, owner, file, holders);
}

}  // namespace

Sysret set_record_lock(FdTable& owner, const FileRef& file, const FileLock& lock, bool wait) {
  Key key;
  Span span;
  if (lock.type < FileLock::read || lock.type > FileLock::unlock) return -EINVAL;
  if (const Sysret error = find_span(*file, lock, span); error < 0) return error;
  if (const Sysret error = find_key(*file, key); error < 0) return error;
  if (lock.type == FileLock::unlock) {
    Sysret result = 0;
    {
      Holders holders;
      Guard guard(mutex);
      result = unlock(key, span, owner, holders);
    }
    released.wake_all();
    return result;
  }
  const bool writes = lock.type == FileLock::write;
  if (writes ? !file->writable() : !file->readable()) return -EBADF;
  owner.note_locks();
  Sysret result = try_lock(key, span, writes, owner, file);
  released.wake_all();  // what was a write lock may be one for reading now
  if (result != -EAGAIN || !wait) return result;
  // Who unlocks at the host wakes nobody here.
  constexpr int64_t first_step_ns = 1'000'000, longest_step_ns = 32 * first_step_ns;
  Waiter waiter(released);
  for (int64_t step = first_step_ns;; step = min(2 * step, longest_step_ns)) {
    const auto decided = [&] {
      result = try_lock(key, span, writes, owner, file);
      return result != -EAGAIN;
    };
    const Wake wake = sleep_until(decided, monotonic_ns() + step);
    if (wake == Wake::condition) return result;
    if (wake == Wake::signal) return restart_call;
  }
}

Sysret get_record_lock(FdTable& owner, File& file, FileLock& lock) {
  Key key;
  Span span;
  if (lock.type != FileLock::read && lock.type != FileLock::write) return -EINVAL;
  if (const Sysret error = find_span(file, lock, span); error < 0) return error;
  if (const Sysret error = find_key(file, key); error < 0) return error;
  {
    Guard guard(mutex);
    if (const Lock* other = find_conflict(key, span, lock.type == FileLock::write, owner); other != nullptr) {
      lock = to_lock(other->span, other->writes ? FileLock::write : FileLock::read);
      lock.pid = other->pid;
      return 0;
    }
  }
  if (key.host) {
    FileLock asked = to_lock(span, lock.type);
    if (const Sysret error = ask_host(file, host_get, asked); error < 0) return error;
    if (asked.type != FileLock::unlock) {
      lock = asked;
      return 0;
    }
  }
  lock.type = FileLock::unlock;
  return 0;
}

void release_record_locks(FdTable& owner, File& file) {
  Key key;
  if (find_key(file, key) < 0) return;
  {
    Holders holders;
    Guard guard(mutex);
    (void)unlock(key, {0, end_of_all}, owner, holders);  // whole locks go: that takes no memory
  }
  released.wake_all();
}

void release_record_locks(FdTable& owner) {
  while (true) {
    Holders holders;
    Guard guard(mutex);
    Lock* mine = nullptr;
    for (Lock& lock : locks)
      if (lock.owner == &owner) mine = &lock;
    if (mine == nullptr) break;
    const Key key = mine->key;
    (void)unlock(key, {0, end_of_all}, owner, holders);
  }
  released.wake_all();
}

}  // namespace hobbes::lwk::fs
