// SPDX-License-Identifier: Apache-2.0
// Locks, in this order: an epoll's control_lock_ (held while the host is asked), links_lock (which files are in which
// epolls), an epoll's lock_, then that of an epoll in it, a wait queue's, an epoll's ready_lock_. A change of an
// epoll's set of interests holds links_lock and its lock_, so either is enough to look at it.
#include "cokernel/kernel/fs/epoll.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int most_nested = 4;  // Linux's EP_MAX_NESTS
constexpr int control_add = 1, control_remove = 2, control_modify = 3;
constexpr uint64_t host_close_on_exec = O_CLOEXEC;
constexpr int host_duplicate = 1030;  // F_DUPFD_CLOEXEC

Mutex links_lock;

/// A wait at the host, as it lies in its slot.
struct HostWait {
  TimeSpec time;
  EpollEvent events[(HostCall::data_size - sizeof(TimeSpec)) / sizeof(EpollEvent)];
};
static_assert(sizeof(HostWait) <= HostCall::data_size);
constexpr uint32_t host_room = sizeof(HostWait::events) / sizeof(EpollEvent);

Sysret control_host(HostFile& epoll, int operation, int fd, const EpollEvent& event) {
  HostCall call(epoll.channel(), OnSignal::ignore);
  if (call.error() != 0) return call.error();
  memcpy(call.data(), &event, sizeof(event));
  return call.call(host_epoll_ctl, epoll.fd(), operation, fd, call.data());
}

}  // namespace

bool EventWriter::put(const EpollEvent& event) {
  if (!write_user(to_ + count_ * sizeof(event), event)) return false;
  ++count_;
  return true;
}

/// One descriptor in an epoll.
class EpollFile::Interest final : public BucketNode, public ReadyNode, public TimedNode, public Watch, public Listener {
 public:
  Interest(EpollFile& in, File& of, int number, const EpollEvent& event)
      : epoll(in), file(of), fd(number), data(event.data), wanted_(event.events | EPOLLERR | EPOLLHUP) {}
  ~Interest() override {
    leave();
    if (host_fd_ >= 0) (void)control_host(*host_epoll_->host(), control_remove, host_fd_, {});
  }

  void hear(uint32_t events) override {
    // A one-shot that has been told wants nothing but how.
    if ((wanted() & ~epoll_how & events) != 0) epoll.hear_of(*this);
  }

  [[nodiscard]] uint32_t wanted() const { return __atomic_load_n(&wanted_, __ATOMIC_RELAXED); }  // hear() has no lock
  void set_wanted(uint32_t events) { __atomic_store_n(&wanted_, events, __ATOMIC_RELAXED); }
  /// What the proxy's epoll tells of it.
  [[nodiscard]] uint64_t tag() const { return static_cast<uint64_t>(serial) << 32 | static_cast<uint32_t>(fd); }

  [[nodiscard]] Sysret add_to_host(FileRef host_epoll);
  [[nodiscard]] Sysret modify_at_host(uint32_t events) {
    return host_fd_ < 0 ? 0 : control_host(*host_epoll_->host(), control_modify, host_fd_, {events, tag()});
  }
  [[nodiscard]] bool is_at_host() const { return host_fd_ >= 0; }
  /// The proxy's epoll goes, too.
  void forget_host() { host_fd_ = -1; }

  EpollFile& epoll;
  File& file;
  const int fd;
  uint32_t serial = 0;
  uint64_t data;            ///< under the epoll's lock_
  int64_t due_ns = never;   ///< the same: when to look at it though nobody has woken

 private:
  uint32_t wanted_;
  FileRef host_epoll_;
  FileRef duplicate_;  ///< where the proxy's epoll has the host's file already, under another of our numbers
  int host_fd_ = -1;
};

Sysret EpollFile::Interest::add_to_host(FileRef host_epoll) {
  HostFile& part = *file.host_part();
  HostFile& proxy = *host_epoll->host();
  const EpollEvent event{wanted(), tag()};
  int fd_there = part.fd();
  Sysret result = control_host(proxy, control_add, fd_there, event);
  if (result == -EEXIST) {
    const Sysret copy = part.simple(host_fcntl, host_duplicate, 0);
    if (copy < 0) return copy == restart_call ? -EINTR : copy;
    fd_there = static_cast<int>(copy);
    if (const int error = HostFile::wrap(part.channel(), fd_there, part.flags(), duplicate_); error != 0) return error;
    result = control_host(proxy, control_add, fd_there, event);
  }
  if (result < 0) return result;
  host_epoll_ = static_cast<FileRef&&>(host_epoll);
  host_fd_ = fd_there;
  return 0;
}

int EpollFile::create(App* app, FileRef& file) {
  FileRef host;
  if (app != nullptr && app->channel != nullptr) {
    HostCall call(*app->channel, OnSignal::ignore);
    const Sysret fd = call.error() != 0 ? call.error() : call.call(host_epoll_create1, host_close_on_exec);
    if (fd < 0 && fd != -EIO) return static_cast<int>(fd);  // without a proxy there are no files of the host
    if (fd >= 0)
      if (const int error = HostFile::wrap(*app->channel, static_cast<int>(fd), O_RDWR, host); error != 0) return error;
  }
  file = FileRef::adopt(new (nothrow) EpollFile(host));
  return file ? file->set_path("anon_inode:[eventpoll]") : -ENOMEM;
}

EpollFile::~EpollFile() {
  List<Interest, BucketNode> ended;
  {
    Guard links(links_lock);
    Guard guard(lock_);
    for (Bucket& bucket : buckets_) {
      while (Interest* interest = bucket.front()) {
        unlink(*interest);
        interest->forget_host();
        ended.push_back(*interest);
      }
    }
  }
  while (Interest* interest = ended.pop_front()) delete interest;
}

HostFile* EpollFile::host_part() { return host_ ? host_->host() : nullptr; }

EpollFile::Interest* EpollFile::find(const File& file, int fd) {
  for (Interest& interest : bucket_of(fd))
    if (interest.fd == fd && &interest.file == &file) return &interest;
  return nullptr;
}

/// Under links_lock. Whether `sought` is this or in it, at any depth; `deepest` is how deep epolls are in it.
bool EpollFile::reaches(const EpollFile& sought, int depth, int& deepest) {
  if (this == &sought || depth > most_nested) return true;
  deepest = max(deepest, depth);
  for (Bucket& bucket : buckets_)
    for (Interest& interest : bucket)
      if (interest.file.file_kind() == FileKind::epoll &&
          static_cast<EpollFile&>(interest.file).reaches(sought, depth + 1, deepest))
        return true;
  return false;
}

/// Under links_lock: how many epolls lie over this one.
int EpollFile::height_above(int depth) {
  int highest = depth;
  if (depth > most_nested) return depth;
  for (Watch& watch : watches) highest = max(highest, static_cast<Interest&>(watch).epoll.height_above(depth + 1));
  return highest;
}

/// Takes the interest in. 0, -ELOOP or -EEXIST.
int EpollFile::link(Interest& interest) {
  Guard links(links_lock);
  if (interest.file.file_kind() == FileKind::epoll) {
    int deepest = 0;
    if (static_cast<EpollFile&>(interest.file).reaches(*this, 0, deepest)) return -ELOOP;
    if (deepest + 1 + height_above(0) > most_nested) return -ELOOP;
  }
  Guard guard(lock_);
  if (find(interest.file, interest.fd) != nullptr) return -EEXIST;
  interest.serial = ++last_serial_;
  bucket_of(interest.fd).push_back(interest);
  interest.file.watches.push_back(interest);
  interest.file.set_watched();
  return 0;
}

/// Under links_lock and lock_: from now on nobody finds it.
void EpollFile::unlink(Interest& interest) {
  interest.leave();
  interest.BucketNode::unlink();
  interest.Watch::unlink();
  interest.TimedNode::unlink();
  if (interest.is_at_host()) __atomic_sub_fetch(&hosts_, 1, __ATOMIC_SEQ_CST);
  Guard guard(ready_lock_);
  if (interest.ReadyNode::linked()) --ready_count_;
  interest.ReadyNode::unlink();
}

Sysret EpollFile::add(File& file, int fd, const EpollEvent& wanted) {
  Guard control(control_lock_);
  Owned<Interest> created(new (nothrow) Interest(*this, file, fd, wanted));
  if (!created) return -ENOMEM;
  if (const int error = link(*created); error != 0) return error;
  Interest& interest = *created;
  // Nobody but the control lock's owner and the file's end takes it out again, and the caller holds the file.
  if (host_ && file.host_part() != nullptr) {
    if (const Sysret error = interest.add_to_host(host_); error < 0) {
      Guard links(links_lock);
      Guard guard(lock_);
      unlink(interest);
      return error;
    }
    __atomic_add_fetch(&hosts_, 1, __ATOMIC_SEQ_CST);  // before the wake-up: partner: has_hosts() in wait_for_enclave
    waiters_.wake_all();
  }
  (void)created.release();
  if (file.host() != nullptr) return 0;
  if (WaitQueue* queue = file.queue()) interest.join(*queue);
  hear_of(interest);  // it may be ready already, or be so by itself some time
  return 0;
}

Sysret EpollFile::modify(File& file, int fd, const EpollEvent& wanted) {
  Guard control(control_lock_);
  Interest* interest = nullptr;
  {
    Guard guard(lock_);
    interest = find(file, fd);
    if (interest == nullptr) return -ENOENT;
    if ((interest->wanted() & EPOLLEXCLUSIVE) != 0) return -EINVAL;
    interest->data = wanted.data;
    interest->set_wanted(wanted.events | EPOLLERR | EPOLLHUP);
  }
  const Sysret result = interest->modify_at_host(interest->wanted());
  if (file.host() == nullptr) hear_of(*interest);
  return result;
}

Sysret EpollFile::remove(File& file, int fd) {
  Guard control(control_lock_);
  Owned<Interest> ended;  // let go of after the other locks
  Guard links(links_lock);
  Guard guard(lock_);
  Interest* interest = find(file, fd);
  if (interest == nullptr) return -ENOENT;
  unlink(*interest);
  ended = Owned<Interest>(interest);
  return 0;
}

void end_watches(File& file) {
  List<Watch> ended;
  {
    Guard links(links_lock);
    while (Watch* watch = file.watches.front()) {
      auto& interest = static_cast<EpollFile::Interest&>(*watch);
      Guard guard(interest.epoll.lock_);
      interest.epoll.unlink(interest);
      ended.push_back(*watch);
    }
  }
  while (Watch* watch = ended.pop_front()) delete watch;
}

void EpollFile::mark_ready(Interest& interest) {
  Guard guard(ready_lock_);
  if (interest.ReadyNode::linked()) return;
  ready_.push_back(interest);
  ++ready_count_;
}

void EpollFile::hear_of(Interest& interest) {
  mark_ready(interest);
  waiters_.wake_all();
  pollers_.wake_all(POLLIN | POLLRDNORM);
}

EpollFile::Interest* EpollFile::pop_ready() {
  Guard guard(ready_lock_);
  Interest* interest = ready_.pop_front();
  if (interest != nullptr) --ready_count_;
  return interest;
}

bool EpollFile::has_ready() {
  Guard guard(ready_lock_);
  return !ready_.empty();
}

/// Under lock_. Which of the wanted events hold.
uint32_t EpollFile::look_at(Interest& interest) {
  const uint32_t wanted = interest.wanted();
  const uint32_t events = (wanted & ~epoll_how) == 0 ? 0 : interest.file.poll() & wanted;
  // Looked at after poll(): what expires in between is due, not lost.
  interest.due_ns = interest.file.changes_at();
  if (interest.due_ns == never) interest.TimedNode::unlink();
  else if (!interest.TimedNode::linked()) timed_.push_back(interest);
  return events;
}

/// Under lock_.
void EpollFile::mark_due() {
  if (timed_.empty()) return;
  const int64_t now = monotonic_ns();
  for (Interest& interest : timed_)
    if (now >= interest.due_ns) mark_ready(interest);
}

int64_t EpollFile::changes_at() {
  Guard guard(lock_);
  int64_t due = never;
  for (Interest& interest : timed_) due = sooner(due, interest.due_ns);
  return due;
}

/// Tells what is ready in the enclave. What is level-triggered goes to the end of the list: others have their turn.
Sysret EpollFile::collect(EventWriter& to) {
  {
    Guard guard(lock_);
    mark_due();
    for (uint32_t budget = __atomic_load_n(&ready_count_, __ATOMIC_RELAXED); budget > 0 && to.left() > 0; --budget) {
      Interest* interest = pop_ready();
      if (interest == nullptr) break;
      const uint32_t events = look_at(*interest);
      if (events == 0) continue;
      if (!to.put({events, interest->data})) {
        mark_ready(*interest);
        if (to.count() == 0) return -EFAULT;
        break;
      }
      const uint32_t wanted = interest->wanted();
      if ((wanted & EPOLLONESHOT) != 0) interest->set_wanted(wanted & epoll_how);
      else if ((wanted & EPOLLET) == 0) mark_ready(*interest);
    }
  }
  if (to.count() > 0 && has_ready()) waiters_.wake_all();  // others may have seen the list while it was shorter
  return to.count();
}

/// What the proxy's epoll told. An epoll that is ready at the host is looked at here.
Sysret EpollFile::take_from_host(const EpollEvent* events, uint32_t count, EventWriter& to) {
  Guard guard(lock_);
  for (uint32_t i = 0; i < count; ++i) {
    const auto fd = static_cast<int>(events[i].data & UINT32_MAX);
    const auto serial = static_cast<uint32_t>(events[i].data >> 32);
    for (Interest& interest : bucket_of(fd)) {
      if (interest.fd != fd || interest.serial != serial) continue;
      if (interest.file.host() == nullptr) mark_ready(interest);
      else if (!to.put({events[i].events, interest.data})) return to.count() > 0 ? to.count() : -EFAULT;
    }
  }
  return to.count();
}

Wake EpollFile::wait_for_enclave(int64_t until_ns, int64_t due_ns) {
  return sleep_until([&] { return has_ready() || has_hosts() || sooner(changes_at(), due_ns) != due_ns; }, until_ns);
}

/// One wait at the host, which what happens in the enclave ends. 0 or -errno.
Sysret EpollFile::wait_for_host(EventWriter& to, int64_t until_ns, int64_t due_ns, Wake& wake) {
  const bool waits = until_ns == never || until_ns > monotonic_ns();
  HostFile& host = *host_part();
  HostCall call(host.channel(), waits ? OnSignal::cancel : OnSignal::ignore);
  wake = Wake::signal;
  if (call.error() != 0) return call.error() == restart_call ? 0 : call.error();
  auto& room = *reinterpret_cast<HostWait*>(call.data());
  room.time = to_time(waits && until_ns != never ? max<int64_t>(until_ns - monotonic_ns(), 0) : 0);
  const auto stop = [&] { return waits && (has_ready() || sooner(changes_at(), due_ns) != due_ns); };
  const Sysret got = call.call_until(stop, host_epoll_pwait2, host.fd(), room.events, min(to.left(), host_room),
                                     until_ns != never ? &room.time : nullptr, 0, 0);
  if (got == restart_call) {
    if (!signal_pending(port::current())) wake = Wake::condition;
    return 0;
  }
  if (got < 0) return got;
  wake = got > 0 ? Wake::condition : Wake::deadline;
  const Sysret taken = take_from_host(room.events, min(static_cast<uint32_t>(got), host_room), to);
  return taken < 0 ? taken : 0;
}

Sysret EpollFile::wait(EventWriter& to, int64_t deadline_ns) {
  const bool waits = deadline_ns == never || monotonic_ns() < deadline_ns;
  Waiter waiter(waiters_);
  for (bool last = !waits;; last = deadline_ns != never && monotonic_ns() >= deadline_ns) {
    if (const Sysret told = collect(to); told < 0) return told;
    const bool found = to.count() > 0;
    const int64_t due = changes_at();
    const int64_t until = found || last ? 0 : sooner(due, deadline_ns);
    Wake wake = Wake::deadline;
    if (has_hosts() && to.left() > 0) {
      if (const Sysret error = wait_for_host(to, until, due, wake); error < 0) return found ? to.count() : error;
    } else if (until != 0) {
      wake = wait_for_enclave(until, due);
    }
    if (to.count() > 0) return to.count();
    if (last && !has_ready()) return 0;
    if (wake == Wake::signal && !last) return -EINTR;
  }
}

uint32_t EpollFile::poll() {
  {
    Guard guard(lock_);
    mark_due();
    for (uint32_t budget = __atomic_load_n(&ready_count_, __ATOMIC_RELAXED); budget > 0; --budget) {
      Interest* interest = pop_ready();
      if (interest == nullptr) break;
      if (look_at(*interest) == 0) continue;
      mark_ready(*interest);
      return POLLIN | POLLRDNORM;
    }
  }
  return has_hosts() ? host_part()->poll() & (POLLIN | POLLRDNORM) : 0;
}

}  // namespace hobbes::lwk::fs
