// SPDX-License-Identifier: Apache-2.0
// EpollFile: an epoll. It hears of the enclave's files through their wait queues and keeps those that may be ready in a
// list, so a wait looks at nothing else. For the host's files the proxy has an epoll of its own: what is added here is
// added there, and a wait that needs both sides is a call of the proxy that a wake-up on this side gives up.
#pragma once

#include "cokernel/kernel/fs/anonymous_file.hpp"
#include "cokernel/kernel/fs/host_io.hpp"

namespace hobbes::lwk {
struct App;
}

namespace hobbes::lwk::fs {

enum EpollEvents : uint32_t {
  EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 0x10, EPOLLRDHUP = 0x2000, EPOLLEXCLUSIVE = 1u << 28,
  EPOLLWAKEUP = 1u << 29, EPOLLONESHOT = 1u << 30, EPOLLET = 1u << 31,
  epoll_how = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET,  ///< how to tell, not what
};

/// Linux's struct epoll_event.
struct EpollEvent {
  uint32_t events;
  uint64_t data;
} __attribute__((packed));
static_assert(sizeof(EpollEvent) == 12);

/// Where a wait's events go.
class EventWriter : Immovable {
 public:
  EventWriter(UserAddr to, uint32_t room) : to_(to), room_(room) {}
  [[nodiscard]] bool put(const EpollEvent& event);
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] uint32_t left() const { return room_ - count_; }

 private:
  UserAddr to_;
  uint32_t room_, count_ = 0;
};

class EpollFile : public AnonymousFile {
 public:
  /// 0 or -errno.
  [[nodiscard]] static int create(App* app, FileRef& file);
  ~EpollFile() override;

  /// epoll_ctl; the caller holds `file`. 0 or -errno.
  [[nodiscard]] Sysret add(File& file, int fd, const EpollEvent& wanted);
  [[nodiscard]] Sysret modify(File& file, int fd, const EpollEvent& wanted);
  [[nodiscard]] Sysret remove(File& file, int fd);
  /// How many events there are, or -errno.
  [[nodiscard]] Sysret wait(EventWriter& to, int64_t deadline_ns);

  uint32_t poll() override;
  WaitQueue* queue() override { return &pollers_; }
  int64_t changes_at() override;
  HostFile* host_part() override;
  [[nodiscard]] FileKind file_kind() const override { return FileKind::epoll; }

 private:
  friend void end_watches(File& file);
  struct BucketNode : ListNode {};
  struct ReadyNode : ListNode {};
  struct TimedNode : ListNode {};
  class Interest;
  using Bucket = List<Interest, BucketNode>;
  static constexpr uint32_t bucket_count = 64;

  explicit EpollFile(FileRef host) : AnonymousFile(O_RDWR), host_(static_cast<FileRef&&>(host)) {}
  [[nodiscard]] Bucket& bucket_of(int fd) { return buckets_[static_cast<uint32_t>(fd) % bucket_count]; }
  [[nodiscard]] Interest* find(const File& file, int fd);
  [[nodiscard]] int link(Interest& interest);
  void unlink(Interest& interest);
  [[nodiscard]] bool reaches(const EpollFile& sought, int depth, int& deepest);
  [[nodiscard]] int height_above(int depth);

  void mark_ready(Interest& interest);
  void hear_of(Interest& interest);
  [[nodiscard]] Interest* pop_ready();
  [[nodiscard]] bool has_ready();
  [[nodiscard]] uint32_t look_at(Interest& interest);
  void mark_due();
  [[nodiscard]] Sysret collect(EventWriter& to);
  [[nodiscard]] Sysret take_from_host(const EpollEvent* events, uint32_t count, EventWriter& to);
  [[nodiscard]] Wake wait_for_enclave(int64_t until_ns, int64_t due_ns);
  [[nodiscard]] Sysret wait_for_host(EventWriter& to, int64_t until_ns, int64_t due_ns, Wake& wake);
  [[nodiscard]] bool has_hosts() const { return __atomic_load_n(&hosts_, __ATOMIC_SEQ_CST) != 0; }

  const FileRef host_;      ///< the proxy's epoll; empty: there is no proxy
  Mutex control_lock_;      ///< one change at a time, its calls of the host included
  Mutex lock_;              ///< the interests
  Bucket buckets_[bucket_count];
  List<Interest, TimedNode> timed_;
  uint32_t last_serial_ = 0;
  uint32_t hosts_ = 0;      ///< atomic: interests the proxy's epoll has, too
  Mutex ready_lock_;
  List<Interest, ReadyNode> ready_;  ///< those that may be ready
  uint32_t ready_count_ = 0;
  WaitQueue waiters_;       ///< of epoll_wait
  WaitQueue pollers_;       ///< of poll, and of epolls that this one is in
};

/// The file is about to go: ends the interests of all epolls in it.
void end_watches(File& file);

}  // namespace hobbes::lwk::fs
