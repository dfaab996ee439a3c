// SPDX-License-Identifier: Apache-2.0
// poll, ppoll, select, pselect6: over the enclave's files by their wait queues, over the host's by a call of the proxy.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/fs/wait_mask.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t ns_per_ms = 1'000'000, ns_per_us = 1'000;

struct PollEntry {  ///< Linux's struct pollfd
  int32_t fd;
  uint16_t events, ready;
};
static_assert(FdTable::limit * sizeof(PollEntry) + sizeof(TimeSpec) < HostCall::data_size);

struct Item {
  FileRef file;
  Waiter waiter;
  int32_t fd = -1;
  uint32_t events = 0;
  uint32_t ready = 0;
};

/// The files of one call.
class PollSet : Immovable {
 public:
  explicit PollSet(uint32_t limit)
      : items_(static_cast<Item*>(allocate(max<uint64_t>(limit, 1) * sizeof(Item)))) {}
  ~PollSet() {
    for (uint32_t i = 0; i < count_; ++i) items_[i].~Item();
    release(items_);
  }
  explicit operator bool() const { return items_ != nullptr; }

  Item& add(FileRef file, int32_t fd, uint32_t events) {
    Item& item = *new (&items_[count_++]) Item;
    item.file = static_cast<FileRef&&>(file);
    item.fd = fd;
    item.events = events | POLLERR | POLLHUP;
    if (item.file && item.file->host_part() != nullptr) ++hosts_;
    return item;
  }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] Item& at(uint32_t i) { return items_[i]; }

  /// Until something is ready or the deadline passes: how many are, or -errno.
  [[nodiscard]] Sysret wait(int64_t deadline_ns);

 private:
  [[nodiscard]] Sysret look();
  [[nodiscard]] bool has_news(int64_t next_ns);
  [[nodiscard]] int64_t changes_at();
  [[nodiscard]] Wake wait_for_enclave(int64_t until_ns, int64_t next_ns);
  [[nodiscard]] Sysret wait_for_host(int64_t until_ns, int64_t next_ns, Wake& wake);
  [[nodiscard]] Sysret ready_count();

  Item* items_;
  uint32_t count_ = 0, hosts_ = 0;
};

Sysret PollSet::ready_count() {
  Sysret ready = 0;
  for (uint32_t i = 0; i < count_; ++i) ready += items_[i].ready != 0 ? 1 : 0;
  return ready;
}

/// Brings the enclave's files up to date.
Sysret PollSet::look() {
  Sysret ready = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    Item& item = items_[i];
    if (!item.file || item.file->host() != nullptr) continue;
    item.ready = item.file->poll() & item.events;
    ready += item.ready != 0 ? 1 : 0;
  }
  return ready;
}

/// When a file changes by itself.
int64_t PollSet::changes_at() {
  int64_t next = never;
  for (uint32_t i = 0; i < count_; ++i)
    if (items_[i].file) next = sooner(next, items_[i].file->changes_at());
  return next;
}

/// Whether a sleep until `next_ns` is over: something is ready, or will be sooner.
bool PollSet::has_news(int64_t next_ns) { return look() > 0 || sooner(changes_at(), next_ns) != next_ns; }

Wake PollSet::wait_for_enclave(int64_t until_ns, int64_t next_ns) {
  return sleep_until([&] { return has_news(next_ns); }, until_ns);
}

/// One poll of the proxy's, which what happens in the enclave ends. 0 or -errno.
Sysret PollSet::wait_for_host(int64_t until_ns, int64_t next_ns, Wake& wake) {
  hobbes_hio_channel* channel = nullptr;
  for (uint32_t i = 0; i < count_ && channel == nullptr; ++i)
    if (items_[i].file && items_[i].file->host_part() != nullptr) channel = &items_[i].file->host_part()->channel();
  wake = Wake::signal;
  HostCall call(*channel);
  if (call.error() != 0) return call.error() == restart_call ? 0 : call.error();
  auto* time = reinterpret_cast<TimeSpec*>(call.data());
  auto* entries = reinterpret_cast<PollEntry*>(call.data() + sizeof(TimeSpec));
  if (until_ns != never) *time = to_time(max<int64_t>(until_ns - monotonic_ns(), 0));
  uint32_t used = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    HostFile* host = items_[i].file ? items_[i].file->host_part() : nullptr;
    if (host != nullptr) entries[used++] = {host->fd(), static_cast<uint16_t>(items_[i].events), 0};
  }
  const bool waits = until_ns == never || until_ns > monotonic_ns();
  const auto stop = [&] { return waits && has_news(next_ns); };
  const Sysret result = call.call_until(stop, host_ppoll, entries, used, until_ns != never ? time : nullptr, 0, 0);
  if (result == restart_call && !signal_pending(port::current())) wake = Wake::condition;
  if (result < 0) return result == restart_call ? 0 : result;
  wake = result > 0 ? Wake::condition : Wake::deadline;
  used = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    if (!items_[i].file || items_[i].file->host_part() == nullptr) continue;
    const uint32_t ready = entries[used++].ready;
    if (items_[i].file->host() != nullptr) items_[i].ready = ready;
  }
  return 0;
}

Sysret PollSet::wait(int64_t deadline_ns) {
  if (ready_count() > 0) deadline_ns = 0;  // a bad descriptor is told with the rest, at once
  for (uint32_t i = 0; i < count_; ++i)
    if (items_[i].file && items_[i].file->queue() != nullptr) items_[i].waiter.join(*items_[i].file->queue());
  while (true) {
    const int64_t next = changes_at();
    const int64_t until = look() > 0 ? 0 : sooner(next, deadline_ns);
    Wake wake = Wake::signal;
    if (hosts_ == 0) wake = wait_for_enclave(until, next);
    else if (const Sysret error = wait_for_host(until, next, wake); error < 0) return error;
    (void)look();
    if (const Sysret ready = ready_count(); ready > 0) return ready;
    if (wake == Wake::signal) return restart_never_handled;
    if (deadline_ns != never && monotonic_ns() >= deadline_ns) return 0;
  }
}

Sysret poll(Thread& self, UserAddr set, uint64_t count, int64_t deadline_ns) {
  if (count > FdTable::limit) return -EINVAL;
  PollSet files(static_cast<uint32_t>(count));
  if (!files) return -ENOMEM;
  for (uint64_t i = 0; i < count; ++i) {
    PollEntry entry;
    if (!read_user(set + i * sizeof(entry), entry)) return -EFAULT;
    FileRef file = entry.fd >= 0 ? file_of(*self.process, entry.fd) : FileRef();
    const bool bad = entry.fd >= 0 && (!file || file->path_only());
    Item& item = files.add(bad ? FileRef() : file, entry.fd, entry.events);
    if (bad) item.ready = POLLNVAL;
  }
  const Sysret result = files.wait(deadline_ns);
  if (result < 0) return result;
  for (uint32_t i = 0; i < files.count(); ++i) {
    const auto ready = static_cast<uint16_t>(files.at(i).ready);
    if (!write_user(set + i * sizeof(PollEntry) + __builtin_offsetof(PollEntry, ready), ready)) return -EFAULT;
  }
  return result;
}

/// select's three bit sets.
struct BitSets {
  static constexpr uint32_t words = FdTable::limit / 64;
  enum Which : uint32_t { read, write, except, kinds };
  uint64_t bits[kinds][words] = {};

  [[nodiscard]] bool has(uint32_t which, uint32_t fd) const { return (bits[which][fd / 64] >> (fd % 64) & 1) != 0; }
  void set(uint32_t which, uint32_t fd) { bits[which][fd / 64] |= 1ull << (fd % 64); }
};
constexpr uint32_t wanted_events[BitSets::kinds] = {POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI};
constexpr uint32_t told_events[BitSets::kinds] = {POLLIN | POLLRDNORM | POLLHUP | POLLERR,
                                                  POLLOUT | POLLWRNORM | POLLERR, POLLPRI};

Sysret select(Thread& self, int count, const UserAddr (&sets)[BitSets::kinds], int64_t deadline_ns) {
  if (count < 0) return -EINVAL;
  const auto limit = static_cast<uint32_t>(min(count, FdTable::limit));
  const uint64_t bytes = align_up(limit, 64) / 8;
  BitSets in, out;
  for (uint32_t which = 0; which < BitSets::kinds; ++which)
    if (sets[which] != 0 && !copy_in(in.bits[which], sets[which], bytes)) return -EFAULT;
  PollSet files(limit);
  if (!files) return -ENOMEM;
  for (uint32_t fd = 0; fd < limit; ++fd) {
    uint32_t events = 0;
    for (uint32_t which = 0; which < BitSets::kinds; ++which)
      if (in.has(which, fd)) events |= wanted_events[which];
    if (events == 0) continue;
    FileRef file = file_of(*self.process, static_cast<int>(fd));
    if (!file || file->path_only()) return -EBADF;
    (void)files.add(file, static_cast<int32_t>(fd), events);
  }
  const Sysret result = files.wait(deadline_ns);
  if (result < 0) return result;
  Sysret told = 0;
  for (uint32_t i = 0; i < files.count(); ++i) {
    const Item& item = files.at(i);
    const auto fd = static_cast<uint32_t>(item.fd);
    for (uint32_t which = 0; which < BitSets::kinds; ++which) {
      if (!in.has(which, fd) || (item.ready & told_events[which]) == 0) continue;
      out.set(which, fd);
      ++told;
    }
  }
  for (uint32_t which = 0; which < BitSets::kinds; ++which)
    if (sets[which] != 0 && !copy_out(sets[which], out.bits[which], bytes)) return -EFAULT;
  return told;
}

/// Reads a timespec (`unit` 1) or timeval (`unit` 1000), whose microseconds may be more than a second. 0 or -errno.
int load_deadline(UserAddr from, int64_t unit, int64_t& deadline_ns) {
  deadline_ns = never;
  if (from == 0) return 0;
  TimeSpec time;
  if (!read_user(from, time)) return -EFAULT;
  if (unit != 1) {
    const int64_t per_second = ns_per_second / unit;
    if (__builtin_add_overflow(time.seconds, time.nanoseconds / per_second, &time.seconds)) return -EINVAL;
    time.nanoseconds = time.nanoseconds % per_second * unit;
  }
  if (!is_valid(time)) return -EINVAL;
  deadline_ns = monotonic_ns() + to_ns(time);
  return 0;
}

/// Linux tells how much time was left; a bad address then is nobody's error.
void store_time_left(UserAddr to, int64_t unit, int64_t deadline_ns) {
  if (to == 0) return;
  TimeSpec left = to_time(max<int64_t>(deadline_ns - monotonic_ns(), 0));
  left.nanoseconds /= unit;
  (void)write_user(to, left);
}

}  // namespace

Sysret sys_poll(Thread& self, const Args& args) {
  const auto ms = static_cast<int32_t>(args[2]);
  return poll(self, args[0], args[1], ms < 0 ? never : monotonic_ns() + ms * ns_per_ms);
}

Sysret sys_ppoll(Thread& self, const Args& args) {
  int64_t deadline_ns = never;
  if (const int error = load_deadline(args[2], 1, deadline_ns); error != 0) return error;
  MaskWhileWaiting mask(self);
  if (const int error = mask.set(args[3], args[4]); error != 0) return error;
  const Sysret result = mask.finish(poll(self, args[0], args[1], deadline_ns));
  store_time_left(args[2], 1, deadline_ns);
  return result;
}

Sysret sys_select(Thread& self, const Args& args) {
  int64_t deadline_ns = never;
  if (const int error = load_deadline(args[4], ns_per_us, deadline_ns); error != 0) return error;
  const Sysret result = select(self, to_fd(args[0]), {args[1], args[2], args[3]}, deadline_ns);
  store_time_left(args[4], ns_per_us, deadline_ns);
  return result;
}

Sysret sys_pselect6(Thread& self, const Args& args) {
  struct {
    UserAddr mask;
    uint64_t size;
  } signals{0, 0};
  if (args[5] != 0 && !read_user(args[5], signals)) return -EFAULT;
  int64_t deadline_ns = never;
  if (const int error = load_deadline(args[4], 1, deadline_ns); error != 0) return error;
  MaskWhileWaiting mask(self);
  if (const int error = mask.set(signals.mask, signals.size); error != 0) return error;
  const Sysret result = mask.finish(select(self, to_fd(args[0]), {args[1], args[2], args[3]}, deadline_ns));
  store_time_left(args[4], 1, deadline_ns);
  return result;
}

}  // namespace hobbes::lwk::fs
