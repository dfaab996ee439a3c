// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/local_socket.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t bytes_waiting_request = 0x541b, bytes_sent_request = 0x5411;  // FIONREAD, TIOCOUTQ
constexpr uint64_t buffer_size = 212992;      // Linux's default: what may wait in one direction
constexpr uint64_t message_overhead = 256;    // of this each message takes more than its bytes
constexpr uint64_t largest_message = buffer_size - 32;
constexpr uint64_t stream_piece = 16 << 10;   // the largest message that a stream is made of
constexpr uint16_t POLLRDHUP = 0x2000;
enum Shutdown : uint32_t { shut_read, shut_write, shut_both };

uint64_t last_inode = 0;  // atomic

struct Credentials {
  int32_t pid;
  uint32_t uid, gid;
};

}  // namespace

int Rights::add(FileRef file) {
  if (count_ == limit) return -EINVAL;
  if (files_ == nullptr) {
    files_ = static_cast<FileRef*>(allocate(limit * sizeof(FileRef)));
    if (files_ == nullptr) return -ENOMEM;
  }
  new (&files_[count_++]) FileRef(static_cast<FileRef&&>(file));
  return 0;
}

int Rights::copy(Rights& from) {
  for (uint32_t i = 0; i < from.count_; ++i)
    if (const int error = add(from.files_[i]); error != 0) return error;
  return 0;
}

void Rights::take(Rights& from) {
  clear();
  files_ = from.files_;
  count_ = from.count_;
  from.files_ = nullptr;
  from.count_ = 0;
}

void Rights::clear() {
  for (uint32_t i = 0; i < count_; ++i) files_[i].~FileRef();
  release(files_);
  files_ = nullptr;
  count_ = 0;
}

struct LocalSocket::Message : ListNode, lwk::Immovable {
  explicit Message(uint64_t bytes_size) : bytes(max<uint64_t>(bytes_size, 1)), size(bytes_size) {}
  Buffer bytes;
  uint64_t size, taken = 0;
  Rights rights;
  [[nodiscard]] uint64_t left() const { return size - taken; }
  [[nodiscard]] uint64_t charge() const { return size + message_overhead; }
};

/// What one end has not read yet.
struct LocalSocket::Inbox : lwk::Immovable {
  List<Message> messages;
  uint64_t charged = 0;
  bool closed_for_reading = false;   ///< by this end
  bool closed_for_writing = false;   ///< by the other
  bool owner_gone = false;
  bool reset = false;                ///< the other end went without reading all: told once
  int64_t receive_timeout_ns = never, send_timeout_ns = never;  ///< of this end

  ~Inbox() {
    while (Message* message = messages.pop_front()) delete message;
  }
  [[nodiscard]] bool ended() const { return closed_for_reading || closed_for_writing; }
  [[nodiscard]] bool has_room(uint64_t size) const {
    return charged == 0 || charged + size + message_overhead <= buffer_size;
  }
  void drop_first() {
    Message* message = messages.pop_front();
    charged -= message->charge();
    delete message;
  }
};

/// `queue` is woken at every change.
struct LocalSocket::Pair : lwk::Immovable {
  Pair(uint32_t socket_type, Process& maker)
      : type(socket_type), inode(__atomic_add_fetch(&last_inode, 1, __ATOMIC_RELAXED)), created_ns(realtime_ns()),
        credentials{maker.pid, maker.app != nullptr ? maker.app->uid : 0, maker.app != nullptr ? maker.app->gid : 0} {}
  const uint32_t type;
  const uint64_t inode;
  const int64_t created_ns;
  const Credentials credentials;
  WaitQueue queue;
  Mutex lock;
  Inbox inboxes[2];  // under lock
};

int LocalSocket::make_pair(uint32_t type, FileRef& first, FileRef& second) {
  auto* pair = new (nothrow) Pair(type & SOCK_TYPE_MASK, *port::current().process);
  if (pair == nullptr) return -ENOMEM;
  const uint32_t flags = O_RDWR | (type & SOCK_NONBLOCK);
  first = FileRef::adopt(new (nothrow) LocalSocket(*pair, 0, flags));
  if (!first) {
    delete pair;
    return -ENOMEM;
  }
  second = FileRef::adopt(new (nothrow) LocalSocket(*pair, 1, flags));
  if (!second) {
    pair->inboxes[1].owner_gone = true;
    return -ENOMEM;
  }
  char name[40];
  format(name, sizeof(name), "socket:[%u]", pair->inode);
  return first->set_path(name) != 0 || second->set_path(name) != 0 ? -ENOMEM : 0;
}

LocalSocket::~LocalSocket() {
  List<Message> unread;  // files that travelled are let go of outside the lock
  bool last = false;
  {
    Guard guard(pair_.lock);
    Inbox& mine = inbox();
    Inbox& other = outbox();
    mine.owner_gone = true;
    if (pair_.type != SOCK_DGRAM) {
      other.closed_for_writing = true;
      other.reset = !mine.messages.empty();
    }
    while (Message* message = mine.messages.pop_front()) unread.push_back(*message);
    mine.charged = 0;
    last = other.owner_gone;
    if (!last) pair_.queue.wake_all();  // under the lock: once it is free, the other end may take the pair away
  }
  while (Message* message = unread.pop_front()) delete message;
  if (last) delete &pair_;
}

LocalSocket::Inbox& LocalSocket::inbox() { return pair_.inboxes[side_]; }
LocalSocket::Inbox& LocalSocket::outbox() { return pair_.inboxes[1 - side_]; }
bool LocalSocket::is_stream() const { return pair_.type == SOCK_STREAM; }
WaitQueue* LocalSocket::queue() { return &pair_.queue; }

int64_t LocalSocket::timeout(int64_t Inbox::* which) {
  Guard guard(pair_.lock);
  return inbox().*which;
}

/// 0: it came true.
template <typename Try>
Sysret LocalSocket::wait_for(Try try_once, bool dont_wait, int64_t timeout_ns) {
  if (try_once()) return 0;
  if (dont_wait || nonblocking()) return -EAGAIN;
  Waiter waiter(pair_.queue);
  switch (sleep_until(try_once, timeout_ns == never ? never : monotonic_ns() + timeout_ns)) {
    case Wake::condition: return 0;
    case Wake::deadline: return -EAGAIN;
    case Wake::signal: break;
  }
  return restart_call;
}

Sysret LocalSocket::send_one(IoVector& from, uint64_t size, uint32_t flags, Rights& rights) {
  Owned<Message> message(new (nothrow) Message(size));
  if (!message || !message->bytes) return -ENOMEM;
  if (!from.take(message->bytes.data(), size)) return -EFAULT;
  Sysret result = 0;
  const auto try_once = [&] {
    Guard guard(pair_.lock);
    Inbox& to = outbox();
    if (to.closed_for_writing || to.closed_for_reading || to.owner_gone) {
      result = to.owner_gone && pair_.type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
      return true;
    }
    if (!to.has_room(size)) return false;
    message->rights.take(rights);
    to.charged += message->charge();
    to.messages.push_back(*message.release());
    result = static_cast<Sysret>(size);
    return true;
  };
  const Sysret failed = wait_for(try_once, (flags & MSG_DONTWAIT) != 0, timeout(&Inbox::send_timeout_ns));
  if (failed != 0) return failed;
  if (result >= 0) pair_.queue.wake_all();
  return result;
}

Sysret LocalSocket::send(IoVector& from, uint32_t flags, Rights& rights) {
  if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  if (!is_stream() && from.left() > largest_message) return -EMSGSIZE;
  Sysret total = 0;
  do {
    if (is_stream() && from.left() == 0) break;
    const uint64_t size = is_stream() ? min(from.left(), stream_piece) : from.left();
    const Sysret sent = send_one(from, size, flags, rights);
    if (sent == -EPIPE && total == 0 && (flags & MSG_NOSIGNAL) == 0 && is_stream())
      send_signal(*port::current().process, SIGPIPE);
    if (sent < 0) return total > 0 ? total : sent;
    total += sent;
  } while (from.left() > 0);
  return total;
}

/// Under the lock. Bytes up to the end of the next message with rights, which come with its first byte.
Sysret LocalSocket::take_stream(IoVector& to, bool peek, Rights& rights) {
  Inbox& from = inbox();
  Sysret total = 0;
  for (Message* message = from.messages.front(); message != nullptr && to.left() > 0;) {
    const bool carries = message->rights.count() > 0;
    const uint64_t size = min(to.left(), message->left());
    if (!to.put(message->bytes.data() + message->taken, size)) return total > 0 ? total : -EFAULT;
    total += static_cast<Sysret>(size);
    if (carries && peek && rights.copy(message->rights) != 0) return -ENOMEM;
    if (carries && !peek) rights.take(message->rights);
    Message* next = from.messages.next(*message);
    if (!peek) message->taken += size;
    if (!peek && message->left() == 0) from.drop_first();
    if (carries) break;
    message = next;
  }
  return total;
}

/// Under the lock.
Sysret LocalSocket::take_message(IoVector& to, uint32_t flags, Rights& rights, uint32_t& out_flags) {
  Message& message = *inbox().messages.front();
  const uint64_t size = min(to.left(), message.size);
  if (!to.put(message.bytes.data(), size)) return -EFAULT;
  if (size < message.size) out_flags |= MSG_TRUNC;
  if (pair_.type == SOCK_SEQPACKET) out_flags |= MSG_EOR;
  const Sysret told = static_cast<Sysret>((flags & MSG_TRUNC) != 0 ? message.size : size);
  if ((flags & MSG_PEEK) != 0) return rights.copy(message.rights) != 0 ? -ENOMEM : told;
  rights.take(message.rights);
  inbox().drop_first();
  return told;
}

Sysret LocalSocket::receive(IoVector& to, uint32_t flags, Rights& rights, uint32_t& out_flags) {
  if ((flags & MSG_OOB) != 0) return is_stream() ? -EINVAL : -EOPNOTSUPP;
  if (is_stream() && to.left() == 0) return 0;
  const bool peek = (flags & MSG_PEEK) != 0;
  Sysret total = 0;
  do {
    Sysret result = 0;
    const auto try_once = [&] {
      Guard guard(pair_.lock);
      Inbox& from = inbox();
      if (from.messages.empty()) {
        if (from.reset) {
          from.reset = false;
          result = -ECONNRESET;
          return true;
        }
        return from.ended();
      }
      result = is_stream() ? take_stream(to, peek, rights) : take_message(to, flags, rights, out_flags);
      return true;
    };
    const Sysret failed = wait_for(try_once, (flags & MSG_DONTWAIT) != 0, timeout(&Inbox::receive_timeout_ns));
    if (failed != 0) return total > 0 ? total : failed;
    if (result < 0) return total > 0 ? total : result;
    pair_.queue.wake_all();
    total += result;
    if (result == 0 || rights.count() > 0) break;
  } while (is_stream() && (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && to.left() > 0);
  return total;
}

Sysret LocalSocket::read(IoVector& to) {
  Rights dropped;
  uint32_t flags = 0;
  return receive(to, 0, dropped, flags);
}

Sysret LocalSocket::write(IoVector& from) {
  Rights none;
  return send(from, 0, none);
}

Sysret LocalSocket::shut_down(uint32_t how) {
  if (how > shut_both) return -EINVAL;
  {
    Guard guard(pair_.lock);
    if (how != shut_write) inbox().closed_for_reading = true;
    if (how != shut_read) outbox().closed_for_writing = true;
  }
  pair_.queue.wake_all();
  return 0;
}

Sysret LocalSocket::status(FileStatus& status) {
  constexpr uint64_t socket_device = 8;
  status = FileStatus();
  status.mode = S_IFSOCK | 0777;
  status.device = socket_device;
  status.inode = pair_.inode;
  status.atime_ns = status.mtime_ns = status.ctime_ns = pair_.created_ns;
  return 0;
}

Sysret LocalSocket::control(uint32_t request, uint64_t argument) {
  int32_t bytes = 0;
  {
    Guard guard(pair_.lock);
    if (request == bytes_sent_request) {
      bytes = static_cast<int32_t>(outbox().charged);
    } else if (request == bytes_waiting_request) {
      for (const Message& message : inbox().messages) {
        bytes += static_cast<int32_t>(message.left());
        if (!is_stream()) break;
      }
    } else {
      return -ENOTTY;
    }
  }
  return write_user(argument, bytes) ? 0 : -EFAULT;
}

uint32_t LocalSocket::poll() {
  Guard guard(pair_.lock);
  const Inbox& mine = inbox();
  const Inbox& other = outbox();
  const bool connected = pair_.type != SOCK_DGRAM;
  const bool cannot_send = other.closed_for_writing || other.closed_for_reading || other.owner_gone;
  return flag_if(!mine.messages.empty() || mine.ended() || mine.reset, POLLIN | POLLRDNORM) |
         flag_if(cannot_send || other.charged <= buffer_size / 2, POLLOUT | POLLWRNORM) |
         flag_if(mine.ended() && connected, POLLRDHUP) | flag_if(mine.reset, POLLERR) |
         flag_if(connected && mine.ended() && cannot_send, POLLHUP);
}

Sysret LocalSocket::get_option(uint32_t name, void* to, uint32_t& size) {
  const auto give = [&](const void* value, uint32_t value_size) -> Sysret {
    size = min(size, value_size);
    memcpy(to, value, size);
    return 0;
  };
  const auto number = [&](uint32_t value) { return give(&value, sizeof(value)); };
  Guard guard(pair_.lock);
  switch (name) {
    case SO_TYPE: return number(pair_.type);
    case SO_DOMAIN: return number(AF_UNIX);
    case SO_SNDBUF: case SO_RCVBUF: return number(buffer_size);
    case SO_PEERCRED: return give(&pair_.credentials, sizeof(pair_.credentials));
    case SO_RCVTIMEO: case SO_SNDTIMEO: {
      constexpr int64_t ns_per_us = 1000;
      const int64_t ns = max<int64_t>(name == SO_RCVTIMEO ? inbox().receive_timeout_ns : inbox().send_timeout_ns, 0);
      const int64_t time[2] = {ns / ns_per_second, ns % ns_per_second / ns_per_us};
      return give(time, sizeof(time));
    }
    case SO_LINGER: {
      const int32_t off[2] = {0, 0};
      return give(off, sizeof(off));
    }
    case SO_ERROR: case SO_PROTOCOL: case SO_ACCEPTCONN: case SO_REUSEADDR: case SO_KEEPALIVE: case SO_BROADCAST:
    case SO_PASSCRED:
      return number(0);
    default: return -ENOPROTOOPT;
  }
}

Sysret LocalSocket::set_option(uint32_t name, const void* from, uint32_t size) {
  switch (name) {
    case SO_RCVTIMEO: case SO_SNDTIMEO: {
      constexpr int64_t us_per_second = 1'000'000, ns_per_us = 1000;
      int64_t time[2];
      if (size < sizeof(time)) return -EINVAL;
      memcpy(time, from, sizeof(time));
      if (time[1] < 0 || time[1] >= us_per_second) return -EDOM;
      const bool forever = time[0] < 0 || (time[0] == 0 && time[1] == 0);
      Guard guard(pair_.lock);
      (name == SO_RCVTIMEO ? inbox().receive_timeout_ns : inbox().send_timeout_ns) =
          forever ? never : time[0] * ns_per_second + time[1] * ns_per_us;
      return 0;
    }
    case SO_SNDBUF: case SO_RCVBUF: case SO_REUSEADDR: case SO_KEEPALIVE: case SO_BROADCAST:
      return size < sizeof(int32_t) ? -EINVAL : 0;  // wishes that change nothing here
    default: return -ENOPROTOOPT;
  }
}

}  // namespace hobbes::lwk::fs
