// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/worker_pool.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hobbes::host_io {
namespace {

/// Looks at `posted` between two looks at the clock, after each of which others may have the CPU: a call of Linux, so more
/// seldom as time goes on.
constexpr int first_looks = 512, most_looks = 1024;

constexpr std::chrono::microseconds first_backoff{100};
constexpr std::chrono::microseconds last_backoff{10'000};

}  // namespace

WorkerPool::WorkerPool(Channel& channel, ReadyThreads& threads, Answer answer, std::chrono::microseconds poll)
    : channel_(channel), threads_(threads), answer_(std::move(answer)), window_(poll) {
  for (std::uint32_t i = 0; i < channel.slot_count(); ++i) workers_.push_back(std::make_unique<Worker>());
}

WorkerPool::~WorkerPool() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  Word(channel_.posted()).fetch_add(1);
  futex_wake_all(channel_.posted());
  Word(channel_.cancels()).fetch_add(1);
  futex_wake_all(channel_.cancels());
  for (const auto& worker : workers_) {
    if (worker->started()) worker->join();
  }
  workers_done_ = true;
  Word(channel_.cancels()).fetch_add(1);
  futex_wake_all(channel_.cancels());
  if (canceller_.joinable()) canceller_.join();
}

Status WorkerPool::start() {
  TRY(Worker::install_interrupt());
  const std::scoped_lock lock(mutex_);
  return start_worker(window_.length().count() != 0);  // an application that starts has much to ask
}

Status WorkerPool::complete() {
  canceller_ = TRY(threads_.run([this] { cancel_loop(); }));
  const std::scoped_lock lock(mutex_);
  // One serves, one is free: a first call that blocks need not wait for a thread to start.
  return free_ <= 1 && started_ < workers_.size() ? start_worker(false) : Status();
}

Status WorkerPool::start_worker(bool attentive) {
  Worker& worker = *workers_[started_];
  if (attentive) attentive_ = &worker;
  const Status started = worker.start(threads_, [this, &worker, attentive] { work(worker, attentive); });
  if (!started) {
    if (attentive) attentive_ = nullptr;
    return started;
  }
  ++started_;
  if (!attentive) ++free_;
  return {};
}

void WorkerPool::keep_one_free() {
  if (free_ == 0 && started_ < workers_.size() && !stopping_) static_cast<void>(start_worker(false));
}

void WorkerPool::work(Worker& worker, bool attentive) {
  const auto scratch = std::make_unique_for_overwrite<Scratch>();
  while (const std::optional<std::uint32_t> slot = next_slot(worker, attentive))
    attentive = serve(worker, *slot, *scratch);
}

bool WorkerPool::serve(Worker& worker, std::uint32_t slot, Scratch& scratch) {
  worker.begin(slot);
  const Request request = channel_.request(slot);
  const std::optional<std::int64_t> result = given_up(slot) ? -EINTR : answer_(slot, request, scratch);
  worker.finish();
  // Before DONE: who sees it and posts at once then finds an attentive worker, and has nobody to wake.
  const bool attentive = come_back(worker);
  if (result) channel_.complete(slot, *result);
  return attentive;
}

bool WorkerPool::come_back(const Worker& worker) {
  if (attentive_.load(std::memory_order_relaxed) == &worker) return true;  // who ends it publishes that
  const std::scoped_lock lock(mutex_);
  if (attentive_ != nullptr || window_.length().count() == 0) {
    ++free_;
    return false;
  }
  keep_one_free();
  attentive_ = &worker;
  publish_sleepers();
  return true;
}

void WorkerPool::end_attention(const Worker& worker) {
  const std::scoped_lock lock(mutex_);
  if (attentive_ == &worker) attentive_ = nullptr;
  ++free_;
  publish_sleepers();
}

std::optional<std::uint32_t> WorkerPool::next_slot(const Worker& worker, bool attentive) {
  const Clock::time_point now = Clock::now();
  idle_since_ = now.time_since_epoch().count();
  if (attentive) {
    const std::optional<std::uint32_t> slot = poll_for_slot(now + window_.length());
    if (slot && more_posted()) find_successor();
    if (slot) return slot;
    end_attention(worker);
  }
  return sleep_for_slot();
}

std::optional<std::uint32_t> WorkerPool::poll_for_slot(Clock::time_point until) {
  std::uint32_t seen = Word(channel_.posted()).load();
  std::optional<std::uint32_t> slot = take_any();
  int looks = first_looks;
  while (!slot && !stopping_ && Clock::now() < until) {
    for (int i = 0; i < looks && !slot; ++i) {
      const std::uint32_t now = Word(channel_.posted()).load();
      if (now != seen) slot = take_any();
      seen = now;
      _mm_pause();
    }
    if (!slot) std::this_thread::yield();  // whoever else wants this CPU comes first
    looks = std::min(looks * 2, most_looks);
  }
  return slot;
}

std::optional<std::uint32_t> WorkerPool::sleep_for_slot() {
  while (!stopping_) {
    set_asleep(true);
    const std::uint32_t seen = Word(channel_.posted()).load();
    std::optional<std::uint32_t> slot = take_any();
    if (!slot && !stopping_) futex_wait(channel_.posted(), seen);
    set_asleep(false);
    if (!slot) slot = take_any();
    if (!slot) continue;
    note_wake_up();
    {
      const std::scoped_lock lock(mutex_);
      --free_;
      attentive_ = nullptr;  // if there is one, a call keeps it
      publish_sleepers();
    }
    find_successor();
    return slot;
  }
  return std::nullopt;
}

void WorkerPool::set_asleep(bool asleep) {
  const std::scoped_lock lock(mutex_);
  asleep ? ++asleep_ : --asleep_;
  publish_sleepers();
}

void WorkerPool::publish_sleepers() { channel_.set_sleepers(attentive_ != nullptr ? 0 : asleep_); }

std::optional<std::uint32_t> WorkerPool::take_any() {
  const std::uint32_t count = channel_.slot_count();
  const std::uint32_t first = hint_;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t slot = (first + i) % count;
    if (!channel_.take(slot)) continue;
    ++taken_;
    // A lone caller uses the same slot again; among several the one after is next, so that none starves.
    hint_ = more_posted() ? (slot + 1) % count : slot;
    return slot;
  }
  return std::nullopt;
}

/// A call can be taken before its post was counted, so the difference is below 0 at times. A hostile count costs a
/// wake-up.
bool WorkerPool::more_posted() {
  return static_cast<std::int32_t>(Word(channel_.posted()).load() - taken_.load()) > 0;
}

void WorkerPool::note_wake_up() {
  window_.slept_through(Clock::now().time_since_epoch() - Clock::duration(idle_since_.load()));
}

void WorkerPool::find_successor() {
  const std::unique_lock lock(mutex_);
  keep_one_free();
  // Posts that saw `sleepers` 0 woke nobody; later ones see what publish_sleepers() said.
  if (asleep_ != 0 && more_posted()) futex_wake(channel_.posted(), 1);
}

void WorkerPool::cancel_loop() {
  std::chrono::microseconds backoff = first_backoff;
  while (!workers_done_) {
    const std::uint32_t seen = Word(channel_.cancels()).load();
    if (interrupt_given_up()) {
      futex_wait(channel_.cancels(), seen, backoff);
      backoff = std::min(backoff * 2, last_backoff);
    } else if (!workers_done_) {
      futex_wait(channel_.cancels(), seen);
      backoff = first_backoff;
    }
  }
}

bool WorkerPool::interrupt_given_up() {
  bool any = false;
  for (const auto& worker : workers_) {
    any |= worker->interrupt_if([this](std::uint32_t slot) { return given_up(slot); });
  }
  return any;
}

}  // namespace hobbes::host_io
