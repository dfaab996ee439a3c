// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/worker.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace hobbes::host_io {
namespace {

constexpr std::uint32_t sending = 0x8000'0000;

int interrupt_signal() { return SIGRTMIN; }

}  // namespace

Status Worker::install_interrupt() {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // that there is one ends the system call
  if (::sigaction(interrupt_signal(), &action, nullptr) != 0) return last_errno("installing the interrupt signal");
  return {};
}

Status Worker::start(ReadyThreads& threads, ReadyThreads::Body body) {
  thread_ = TRY(threads.run([this, body = std::move(body)] {
    tid_ = static_cast<pid_t>(::syscall(SYS_gettid));
    ::pthread_setname_np(::pthread_self(), "hio-worker");
    body();
  }));
  return {};
}

void Worker::begin(std::uint32_t slot) { serving_.store(slot + 1); }

void Worker::finish() {
  const std::uint32_t mine = serving_.load() & ~sending;
  for (std::uint32_t expected = mine; !serving_.compare_exchange_weak(expected, 0); expected = mine) {
    std::this_thread::yield();
  }
  // Whatever was sent is pending by now, and what is pending is delivered before a system call returns.
  if (signalled_.exchange(false)) ::syscall(SYS_getppid);
}

bool Worker::interrupt_if(const std::function<bool(std::uint32_t slot)>& given_up) {
  std::uint32_t now = serving_.load();
  // Whoever begins after this load looks for himself whether his call is given up.
  if (now == 0 || !serving_.compare_exchange_strong(now, now | sending)) return false;
  const bool wanted = given_up(now - 1);
  if (wanted) {
    signalled_ = true;
    // Fails on no thread of ours, and is repeated anyway.
    ::syscall(SYS_tgkill, ::getpid(), tid_.load(), interrupt_signal());
  }
  serving_.store(now);
  return wanted;
}

}  // namespace hobbes::host_io
