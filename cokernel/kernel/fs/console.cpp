// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/console.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"
#include "kernel-bridge/abi/console.h"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t console_device = 5 << 8 | 1;  // Linux's numbers: major 5, minor 1
constexpr int64_t signal_look_ns = 100'000'000;
constexpr int64_t input_look_ns = 16'000'000;  ///< how often pollers look whether somebody has typed

hobbes_console* console = nullptr;  // constant after start_console
Mutex output_lock;
Mutex input_lock;

uint64_t typed() { return __atomic_load_n(&console->typed, __ATOMIC_ACQUIRE); }  // partner: leviathan's release

/// Takes typed bytes; 0: there are none.
Sysret take_input(IoVector& to) {
  Guard guard(input_lock);
  const uint64_t taken = console->taken;
  const uint64_t waiting = min<uint64_t>(typed() - taken, HOBBES_CONSOLE_INPUT);  // the count is leviathan's: hostile
  const uint64_t size = min(waiting, to.left());
  const uint64_t start = taken % HOBBES_CONSOLE_INPUT;
  const uint64_t first = min(size, HOBBES_CONSOLE_INPUT - start);
  if (!to.put(console->input + start, first) || !to.put(console->input, size - first)) return -EFAULT;
  // release: the bytes are copied; partner: leviathan's acquire before it writes there again.
  __atomic_store_n(&console->taken, taken + size, __ATOMIC_RELEASE);
  return static_cast<Sysret>(size);
}

class ConsoleFile : public File {
 public:
  using File::File;

  Sysret read(IoVector& to) override {
    if (console == nullptr || to.left() == 0) return 0;
    while (true) {
      // seq_cst: the bell is read before the ring; leviathan fills the ring, then rings.
      const uint32_t bell = __atomic_load_n(&console->typed_bell, __ATOMIC_SEQ_CST);
      if (const Sysret got = take_input(to); got != 0) return got;
      if (nonblocking()) return -EAGAIN;
      if (signal_pending(port::current())) return restart_call;
      // Signals wake the thread's own word, not this one: look at them now and then.
      port::wait_for_host(&console->typed_bell, bell, monotonic_ns() + signal_look_ns);
    }
  }

  Sysret write(IoVector& from) override {
    char piece[256];
    Sysret written = 0;
    while (from.left() > 0) {
      const uint64_t size = min<uint64_t>(from.left(), sizeof(piece));
      if (!from.take(piece, size)) return written > 0 ? written : -EFAULT;
      kernel_console_write(piece, size);
      written += static_cast<Sysret>(size);
    }
    return written;
  }

  Sysret status(FileStatus& status) override {
    status.mode = S_IFCHR | 0620;
    status.inode = console_device;
    status.special_device = console_device;
    return 0;
  }

  uint32_t poll() override {
    const bool input = console != nullptr && typed() != console->taken;
    return (input ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM;
  }
  int64_t changes_at() override { return console != nullptr ? monotonic_ns() + input_look_ns : never; }
  bool can_wait() override { return true; }
};

}  // namespace

void start_console() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < min(boot.channel_count, HOBBES_BOOT_MAX_CHANNELS); ++i) {
    const hobbes_boot_channel& channel = boot.channels[i];
    if (channel.kind != HOBBES_CHANNEL_CONSOLE || channel.size < sizeof(hobbes_console)) continue;
    auto* found = static_cast<hobbes_console*>(port::direct(channel.base));
    if (found->magic == HOBBES_CONSOLE_MAGIC) console = found;
  }
}

void kernel_console_write(const char* text, size_t size) {
  if (console == nullptr || size == 0) return;
  {
    Guard guard(output_lock);
    uint64_t written = console->written;
    while (size > 0) {
      const uint64_t at = written % HOBBES_CONSOLE_OUTPUT;
      const uint64_t step = min<uint64_t>(size, HOBBES_CONSOLE_OUTPUT - at);
      memcpy(console->output + at, text, step);
      written += step;
      text += step;
      size -= step;
    }
    // release: the bytes are there; partner: the readers' acquire.
    __atomic_store_n(&console->written, written, __ATOMIC_RELEASE);
  }
  __atomic_add_fetch(&console->bell, 1, __ATOMIC_SEQ_CST);  // partner: readers take the bell before `written`
  port::wake_host(&console->bell, INT32_MAX);
  port::ring_console_bell();
}

int open_console(uint32_t flags, FileRef& file) {
  file = FileRef::adopt(new (nothrow) ConsoleFile(flags));
  return file ? file->set_path("/dev/console") : -ENOMEM;
}

}  // namespace hobbes::lwk::fs
