// SPDX-License-Identifier: Apache-2.0
// signalfd: the signals that are pending for who reads it.
#include "cokernel/kernel/fs/anonymous_file.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk::fs {
namespace {

/// Linux's struct signalfd_siginfo.
struct SignalRecord {
  uint32_t signo;
  int32_t error, code;
  uint32_t pid, uid;
  int32_t fd;
  uint32_t timer, band, overrun, trap;
  int32_t status, value;
  uint64_t pointer, utime, stime, address;
  uint16_t address_low;
  uint8_t pad[46];
};
static_assert(sizeof(SignalRecord) == 128);

SignalRecord record_of(const SignalInfo& info) {
  SignalRecord record{};
  record.signo = static_cast<uint32_t>(info.signo);
  record.error = info.error;
  record.code = info.code;
  const bool is_fault = info.code > si_user && info.code != si_kernel;  // what the hardware or the kernel tells
  if (info.signo == SIGCHLD && is_fault) {
    record.pid = static_cast<uint32_t>(info.child.pid);
    record.uid = info.child.uid;
    record.status = info.child.status;
    record.utime = static_cast<uint64_t>(info.child.utime);
    record.stime = static_cast<uint64_t>(info.child.stime);
  } else if (is_fault) {
    record.address = info.fault.address;
  } else {
    record.pid = static_cast<uint32_t>(info.sender.pid);
    record.uid = info.sender.uid;
    record.pointer = info.sender.value;
    record.value = static_cast<int32_t>(info.sender.value);
  }
  return record;
}

class SignalFile final : public AnonymousFile {
 public:
  SignalFile(SignalSet mask, uint32_t flags) : AnonymousFile(O_RDWR | flags), mask_(mask) {}

  Sysret read(IoVector& to) override {
    if (to.left() < sizeof(SignalRecord)) return -EINVAL;
    SignalInfo info;
    const auto take = [&] {
      Guard guard(process_lock());
      return take_signal_locked(port::current(), mask(), info);
    };
    if (const Sysret failed = wait_for(*this, signal_arrived(), take); failed != 0) return failed;
    Sysret done = 0;
    do {
      if (!to.put(&static_cast<const SignalRecord&>(record_of(info)), sizeof(SignalRecord)))
        return done > 0 ? done : -EFAULT;
      done += static_cast<Sysret>(sizeof(SignalRecord));
    } while (to.left() >= sizeof(SignalRecord) && take());
    return done;
  }

  uint32_t poll() override {
    const Thread& self = port::current();
    Guard guard(process_lock());
    return flag_if(((self.pending | self.process->pending) & mask()) != 0, POLLIN);
  }
  /// Pending for whom, is known when it is looked at; so one queue serves all.
  WaitQueue* queue() override { return &signal_arrived(); }
  [[nodiscard]] FileKind file_kind() const override { return FileKind::signals; }

  void set_mask(SignalSet mask) {
    __atomic_store_n(&mask_, mask, __ATOMIC_RELAXED);  // the wake-up orders it
    signal_arrived().wake_all();
  }

 private:
  [[nodiscard]] SignalSet mask() const { return __atomic_load_n(&mask_, __ATOMIC_RELAXED); }
  SignalSet mask_;
};

Sysret create(Thread& self, const Args& args, uint32_t flags) {
  SignalSet mask = 0;
  if (args[2] != sizeof(mask)) return -EINVAL;
  if (!read_user(args[1], mask)) return -EFAULT;
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) return -EINVAL;
  mask &= ~unblockable;
  if (to_fd(args[0]) == -1) {
    const FileRef file = FileRef::adopt(new (nothrow) SignalFile(mask, flags & O_NONBLOCK));
    if (!file || file->set_path("anon_inode:[signalfd]") != 0) return -ENOMEM;
    return add_file(self, file, (flags & O_CLOEXEC) != 0);
  }
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  if (file->file_kind() != FileKind::signals) return -EINVAL;
  static_cast<SignalFile&>(*file).set_mask(mask);
  return to_fd(args[0]);
}

}  // namespace

Sysret sys_signalfd(Thread& self, const Args& args) { return create(self, args, 0); }
Sysret sys_signalfd4(Thread& self, const Args& args) { return create(self, args, to_flags(args[3])); }

}  // namespace hobbes::lwk::fs
