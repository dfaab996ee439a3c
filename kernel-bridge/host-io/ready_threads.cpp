// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/ready_threads.hpp"

#include <system_error>
#include <utility>

namespace hobbes::host_io {
namespace {

Result<std::thread> start_thread(ReadyThreads::Body body) {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& failure) {
    return errno_error(failure.code().value(), "starting a thread");
  }
}

}  // namespace

ReadyThreads::~ReadyThreads() {
  for (Waiting& waiting : waiting_) {
    waiting.body.set_value([] {});
    waiting.thread.join();
  }
}

Status ReadyThreads::start(std::size_t count) {
  const std::lock_guard lock(mutex_);
  waiting_.reserve(waiting_.size() + count);
  for (std::size_t i = 0; i < count; ++i) {
    std::promise<Body> body;
    auto thread = TRY(start_thread([given = body.get_future().share()] { given.get()(); }));
    waiting_.push_back({std::move(body), std::move(thread)});
  }
  return {};
}

void ReadyThreads::do_first(Body first) {
  const std::lock_guard lock(mutex_);
  first_ = std::move(first);
}

Result<std::thread> ReadyThreads::run(Body body) {
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) return start_thread(std::move(body));
  Waiting waiting = std::move(waiting_.back());
  waiting_.pop_back();
  lock.unlock();
  waiting.body.set_value([first = first_, body = std::move(body)] {
    first();
    body();
  });
  return std::move(waiting.thread);
}

}  // namespace hobbes::host_io
