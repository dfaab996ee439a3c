// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/pipe.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t bytes_waiting_request = 0x541b;  // FIONREAD
uint64_t last_inode = 0;                             // atomic

/// The ring both ends share. `queue` is woken at every change.
struct Pipe : Immovable {
  Pipe() : ring(pipe_size), inode(__atomic_add_fetch(&last_inode, 1, __ATOMIC_RELAXED)), created_ns(realtime_ns()) {}

  Buffer ring;
  uint64_t inode;
  int64_t created_ns;
  WaitQueue queue;

  // Under lock.
  Mutex lock;
  uint64_t start = 0, used = 0;
  uint32_t readers = 1, writers = 1;

  [[nodiscard]] uint64_t space() const { return pipe_size - used; }

  /// Under lock. -EFAULT or how much.
  Sysret take(IoVector& to) {
    Sysret done = 0;
    while (to.left() > 0 && used > 0) {
      const uint64_t step = min(min(to.left(), used), pipe_size - start);
      if (!to.put(ring.data() + start, step)) return done > 0 ? done : -EFAULT;
      start = (start + step) % pipe_size;
      used -= step;
      done += static_cast<Sysret>(step);
    }
    return done;
  }

  Sysret put(IoVector& from) {
    Sysret done = 0;
    while (from.left() > 0 && space() > 0) {
      const uint64_t at = (start + used) % pipe_size;
      const uint64_t step = min(min(from.left(), space()), pipe_size - at);
      if (!from.take(ring.data() + at, step)) return done > 0 ? done : -EFAULT;
      used += step;
      done += static_cast<Sysret>(step);
    }
    return done;
  }
};

class PipeEnd : public File {
 public:
  PipeEnd(Pipe& pipe, bool writes, uint32_t flags) : File(flags | (writes ? O_WRONLY : O_RDONLY)), pipe_(pipe) {}

  ~PipeEnd() override {
    bool last = false;
    {
      Guard guard(pipe_.lock);
      --(writes() ? pipe_.writers : pipe_.readers);
      last = pipe_.readers + pipe_.writers == 0;
      if (!last) pipe_.queue.wake_all();  // under the lock: once it is free, the other end may take the pipe away
    }
    if (last) delete &pipe_;
  }

  Sysret read(IoVector& to) override {
    if (to.left() == 0) return 0;
    Sysret result = 0;
    bool was_full = false;
    const auto try_once = [&] {
      Guard guard(pipe_.lock);
      if (pipe_.used == 0) return pipe_.writers == 0;
      was_full = pipe_.space() < pipe_atomic;
      result = pipe_.take(to);
      return true;
    };
    if (const Sysret failed = wait_for(try_once); failed != 0) return failed;
    if (was_full) pipe_.queue.wake_all(POLLOUT | POLLWRNORM);  // else nobody waits for room
    return result;
  }

  Sysret write(IoVector& from) override {
    Sysret total = 0;
    while (from.left() > 0) {
      const uint64_t whole = from.left() <= pipe_atomic ? from.left() : 1;
      Sysret result = 0;
      const auto try_once = [&] {
        Guard guard(pipe_.lock);
        if (pipe_.readers == 0) {
          result = -EPIPE;
          return true;
        }
        if (pipe_.space() < whole) return false;
        result = pipe_.put(from);
        return true;
      };
      if (const Sysret failed = wait_for(try_once); failed != 0) return total > 0 ? total : failed;
      if (result == -EPIPE) send_signal(*port::current().process, SIGPIPE);
      if (result < 0) return total > 0 ? total : result;
      total += result;
      pipe_.queue.wake_all(POLLIN | POLLRDNORM);
    }
    return total;
  }

  Sysret status(FileStatus& status) override {
    status.mode = S_IFIFO | 0600;
    status.inode = pipe_.inode;
    status.device = pipe_device;
    status.atime_ns = status.mtime_ns = status.ctime_ns = pipe_.created_ns;
    return 0;
  }

  Sysret control(uint32_t request, uint64_t argument) override {
    if (request != bytes_waiting_request) return -ENOTTY;
    int32_t waiting = 0;
    {
      Guard guard(pipe_.lock);
      waiting = static_cast<int32_t>(pipe_.used);
    }
    return write_user(argument, waiting) ? 0 : -EFAULT;
  }

  uint32_t poll() override {
    Guard guard(pipe_.lock);
    if (writes())
      return flag_if(pipe_.space() >= pipe_atomic, POLLOUT | POLLWRNORM) | flag_if(pipe_.readers == 0, POLLERR);
    return flag_if(pipe_.used > 0, POLLIN | POLLRDNORM) | flag_if(pipe_.writers == 0, POLLHUP);
  }

  WaitQueue* queue() override { return &pipe_.queue; }

 private:
  static constexpr uint64_t pipe_device = 0x0d;

  [[nodiscard]] bool writes() const { return (flags() & O_ACCMODE) == O_WRONLY; }

  template <typename Try>
  Sysret wait_for(Try try_once) {
    if (try_once()) return 0;
    if (nonblocking()) return -EAGAIN;
    Waiter waiter(pipe_.queue);
    return sleep_until(try_once, never) == Wake::signal ? restart_call : 0;
  }

  Pipe& pipe_;
};

int name_end(File& end, uint64_t inode) {
  char name[32];
  format(name, sizeof(name), "pipe:[%u]", inode);
  return end.set_path(name);
}

}  // namespace

int make_pipe(uint32_t flags, FileRef& reader, FileRef& writer) {
  flags &= O_NONBLOCK;
  auto* pipe = new (nothrow) Pipe;
  if (pipe == nullptr || !pipe->ring) {
    delete pipe;
    return -ENOMEM;
  }
  reader = FileRef::adopt(new (nothrow) PipeEnd(*pipe, false, flags));
  if (!reader) {
    delete pipe;
    return -ENOMEM;
  }
  writer = FileRef::adopt(new (nothrow) PipeEnd(*pipe, true, flags));
  if (!writer) {
    pipe->writers = 0;
    return -ENOMEM;
  }
  if (name_end(*reader, pipe->inode) != 0 || name_end(*writer, pipe->inode) != 0) return -ENOMEM;
  return 0;
}

bool is_pipe(const File& file) { return strncmp(file.path(), "pipe:[", 6) == 0; }

}  // namespace hobbes::lwk::fs
