// SPDX-License-Identifier: Apache-2.0
// AppFds: which of the proxy's descriptors are the application's. Lock-free; any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace hobbes::host_io {

class AppFds {
 public:
  /// Numbers from here on are never the application's; the proxy keeps its RLIMIT_NOFILE at or below it.
  static constexpr int limit = 65536;

  void add(int fd) {
    if (valid(fd)) word(fd).fetch_or(bit(fd));
  }
  /// Whether it was there: of two closers only one wins.
  [[nodiscard]] bool remove(int fd) { return valid(fd) && (word(fd).fetch_and(~bit(fd)) & bit(fd)) != 0; }
  [[nodiscard]] bool contains(int fd) const {
    return valid(fd) && (words_[index(fd)].load() & bit(fd)) != 0;
  }

 private:
  static constexpr unsigned word_bits = 64;

  static bool valid(int fd) { return fd >= 0 && fd < limit; }
  static std::size_t index(int fd) { return static_cast<unsigned>(fd) / word_bits; }
  static std::uint64_t bit(int fd) { return std::uint64_t{1} << (static_cast<unsigned>(fd) % word_bits); }
  std::atomic<std::uint64_t>& word(int fd) { return words_[index(fd)]; }

  std::array<std::atomic<std::uint64_t>, limit / word_bits> words_{};
};

}  // namespace hobbes::host_io
