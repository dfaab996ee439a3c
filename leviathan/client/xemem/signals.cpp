// SPDX-License-Identifier: Apache-2.0
// The word's COUNTS bit says where signals go: set, they are counted in the word; clear, they are written to the
// eventfd. A signaller changes the word by compare-and-exchange only while the bit is set, and whoever clears it takes
// the count in the same step: no signal is left behind in the word.
#include "leviathan/client/xemem/signals.hpp"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "leviathan/protocol/signal_word.hpp"

namespace hobbes::xemem {
namespace {

using Clock = std::chrono::steady_clock;

/// What falling asleep and being woken costs, about.
constexpr std::chrono::microseconds looking{50};

}  // namespace

Result<std::shared_ptr<SignalWord>> SignalWord::create() {
  MemoryFilePtr file = TRY(make_file(page_size));
  Mapping mapping = TRY(Mapping::shared(file->fd.get(), page_size, PROT_READ | PROT_WRITE, 0, MAP_POPULATE));
  UniqueFd bell(::eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
  if (!bell) return last_errno("shared memory: eventfd");
  return std::shared_ptr<SignalWord>(new SignalWord(std::move(file), std::move(mapping), std::move(bell)));
}

/// What the eventfd has comes into the word.
void SignalWord::count_in_word() {
  if ((__atomic_fetch_or(word(), HOBBES_XEMEM_COUNTS, __ATOMIC_SEQ_CST) & HOBBES_XEMEM_COUNTS) != 0) return;
  for (std::uint64_t one = 0; ::read(bell(), &one, sizeof one) == sizeof one;)
    __atomic_fetch_add(word(), 1, __ATOMIC_SEQ_CST);
}

/// What the word has comes into the eventfd.
void SignalWord::show_in_bell() {
  const std::uint64_t count = __atomic_exchange_n(word(), 0, __ATOMIC_SEQ_CST) & HOBBES_XEMEM_COUNT_MASK;
  // It holds 2^64 - 2, and nobody else fills it.
  if (count != 0) [[maybe_unused]] const ssize_t written = ::write(bell(), &count, sizeof count);
}

bool SignalWord::take_from_word() {
  // acquire: what was written before the signal; partner: count_signal
  std::uint64_t seen = __atomic_load_n(word(), __ATOMIC_ACQUIRE);
  while ((seen & HOBBES_XEMEM_COUNT_MASK) != 0)
    if (__atomic_compare_exchange_n(word(), &seen, seen - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return true;
  return false;
}

int SignalWord::take_one() {
  const std::lock_guard lock(mutex_);
  if (sleepers_ == 0) show_in_bell();
  else if (take_from_word()) return 0;
  std::uint64_t one = 0;
  return ::read(bell(), &one, sizeof one) == sizeof one ? 0 : errno;
}

int SignalWord::take_all() {
  while (take_one() == 0) {}
  return 0;
}

int SignalWord::wait(int timeout_ms) {
  if ((__atomic_load_n(word(), __ATOMIC_RELAXED) & HOBBES_XEMEM_COUNTS) == 0) {
    const std::lock_guard lock(mutex_);
    count_in_word();
  }
  constexpr int turns_between_clocks = 256;
  const auto until = Clock::now() + looking;
  do {
    for (int turn = 0; turn < turns_between_clocks; ++turn) {
      if (take_from_word()) return 0;
      __builtin_ia32_pause();
    }
  } while (timeout_ms != 0 && Clock::now() < until);
  return timeout_ms == 0 ? ETIMEDOUT : sleep(timeout_ms);
}

int SignalWord::sleep(int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  {
    const std::lock_guard lock(mutex_);
    count_in_word();
    ++sleepers_;
    __atomic_fetch_or(word(), HOBBES_XEMEM_SLEEPS, __ATOMIC_SEQ_CST);  // partner: count_signal
  }
  int result = 0;
  while (!take_from_word()) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - Clock::now()).count();
    if (timeout_ms >= 0 && left <= 0) {
      result = ETIMEDOUT;
      break;
    }
    const timespec time{left / 1'000'000'000, left % 1'000'000'000};
    ::syscall(SYS_futex, protocol::futex_of(word()), FUTEX_WAIT, 0, timeout_ms < 0 ? nullptr : &time, nullptr, 0);
  }
  const std::lock_guard lock(mutex_);
  if (--sleepers_ == 0) __atomic_fetch_and(word(), ~HOBBES_XEMEM_SLEEPS, __ATOMIC_SEQ_CST);
  return result;
}

}  // namespace hobbes::xemem
