// SPDX-License-Identifier: Apache-2.0
// Stock: one thing made ahead by a thread of its own, so that whoever needs it does not wait for it to be made.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/result.hpp"

namespace hobbes {

/// `Item` is movable and has `bool is_good() const`: whether it can still be used. Threads: any, also those that make.
template <typename Item>
class Stock {
 public:
  using Make = std::function<Result<Item>()>;

  /// Nothing is made before fill(), and then not until nobody has taken anything for `rest`: what the last one serves is
  /// not to be slowed down by the making of the next.
  Stock(Make make, std::chrono::milliseconds rest) : make_(std::move(make)), rest_(rest) {}
  Stock(const Stock&) = delete;
  Stock& operator=(const Stock&) = delete;
  ~Stock() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (maker_.joinable()) maker_.join();
  }

  /// Has one made, unless there is one.
  void fill() {
    {
      const std::lock_guard lock(mutex_);
      if (item_) return;
      wanted_ = true;
      if (!maker_.joinable()) maker_ = std::thread([this] { keep_full(); });
    }
    changed_.notify_one();  // without the lock, which the maker would only run into
  }

  /// The one made ahead; if there is none, one made now. The next is made when somebody says fill(), best when that is in
  /// nobody's way. The error is that of making it.
  [[nodiscard]] Result<Item> take() {
    std::optional<Item> item = take_made();
    if (item && item->is_good()) return *std::move(item);
    return make_();
  }

 private:
  std::optional<Item> take_made() {
    const std::lock_guard lock(mutex_);
    last_taken_ = std::chrono::steady_clock::now();
    return std::exchange(item_, std::nullopt);
  }

  void keep_full() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || (wanted_ && !item_); });
      const auto rested = [this] { return std::chrono::steady_clock::now() - last_taken_ >= rest_; };
      while (!stopping_ && !rested()) changed_.wait_for(lock, rest_, [&] { return stopping_ || rested(); });
      if (stopping_) return;
      wanted_ = false;  // a failure is for the next who takes: it would only happen again
      lock.unlock();
      Result<Item> made = make_();
      lock.lock();
      if (made && !item_) item_ = *std::move(made);
    }
  }

  const Make make_;
  const std::chrono::milliseconds rest_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point last_taken_{};
  std::optional<Item> item_;
  std::thread maker_;
};

}  // namespace hobbes
