// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/worker.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace hobbes::host_io {
namespace {

constexpr std::uint32_t sending = 0x8000'0000;
constexpr std::chrono::microseconds handler_pause{1};

constinit thread_local Worker* current = nullptr;

int interrupt_signal() { return SIGRTMIN; }

}  // namespace

void Worker::on_interrupt(int) {
  if (current != nullptr) current->handled_.fetch_add(1);
}

Status Worker::install_interrupt() {
  struct sigaction action{};
  action.sa_handler = &Worker::on_interrupt;
  if (::sigaction(interrupt_signal(), &action, nullptr) != 0) return last_errno("installing the interrupt signal");
  return {};
}

Status Worker::start(std::function<void()> body) {
  try {
    thread_ = std::thread([this, body = std::move(body)] {
      current = this;
      tid_ = static_cast<pid_t>(::syscall(SYS_gettid));
      ::pthread_setname_np(::pthread_self(), "hio-worker");
      body();
    });
  } catch (const std::system_error& failure) {
    return errno_error(failure.code().value(), "starting a worker");
  }
  return {};
}

void Worker::begin(std::uint32_t slot) { serving_.store(slot + 1); }

void Worker::finish() {
  const std::uint32_t mine = serving_.load() & ~sending;
  for (std::uint32_t expected = mine; !serving_.compare_exchange_weak(expected, 0); expected = mine) {
    std::this_thread::yield();
  }
  while (handled_.load() != sent_.load()) std::this_thread::sleep_for(handler_pause);
}

std::optional<std::uint32_t> Worker::serving() const {
  const std::uint32_t now = serving_.load() & ~sending;
  if (now == 0) return std::nullopt;
  return now - 1;
}

void Worker::interrupt(std::uint32_t slot) {
  std::uint32_t expected = slot + 1;
  if (!serving_.compare_exchange_strong(expected, expected | sending)) return;
  // One signal at a time: a second one before the first was handled could be lost or come late.
  if (handled_.load() == sent_.load()) {
    sent_.fetch_add(1);
    if (::syscall(SYS_tgkill, ::getpid(), tid_.load(), interrupt_signal()) != 0) sent_.fetch_sub(1);
  }
  serving_.store(slot + 1);
}

}  // namespace hobbes::host_io
