// SPDX-License-Identifier: Apache-2.0
// Child processes and the pipes to them.
#pragma once

#include <sys/types.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "tests/bench/node/samples.hpp"

namespace hobbes::bench {

/// Owns a child: one that nobody waited for is killed.
class Child {
 public:
  Child() = default;
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// Ours, or a new one: Linux shares CPUs out between sessions first (autogroups), and an enclave is in its own.
  enum class Session { ours, its_own };
  /// Starts a program (found as execvp would) with the given stdin, stdout and stderr.
  [[nodiscard]] static Result<Child> spawn(const std::vector<std::string>& args, const std::array<int, 3>& stdio,
                                           Session session = Session::ours);

  void signal(int number) const;
  /// What it has spent in Linux's calls so far, to the clock tick.
  [[nodiscard]] Result<Nanoseconds> system_time() const;
  [[nodiscard]] bool has_ended();
  /// Waits; its exit status, 128 + n if signal n ended it.
  [[nodiscard]] Result<int> wait();
  /// Waits; an Error unless it exits with 0.
  [[nodiscard]] Status wait_for_success(const std::string& what);

 private:
  pid_t pid_ = 0;  // 0: none, or it was waited for
};

/// From posix_spawn to the end of `wait`: what starting and ending `args` takes, its streams on /dev/null.
[[nodiscard]] Result<Nanoseconds> time_to_run(const std::vector<std::string>& args);

struct Pipe {
  UniqueFd out;  ///< to read
  UniqueFd in;   ///< to write
  [[nodiscard]] static Result<Pipe> create();
};

[[nodiscard]] Result<UniqueFd> open_null();
/// Until the other end closes.
[[nodiscard]] Result<std::string> read_text(int fd);
/// All of `bytes`; unavailable: the other end has gone.
[[nodiscard]] Status read_exactly(int fd, std::span<std::byte> bytes);
[[nodiscard]] Status write_exactly(int fd, std::span<const std::byte> bytes);

template <typename T>
[[nodiscard]] Result<T> read_value(int fd) {
  T value{};
  TRY(read_exactly(fd, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}
template <typename T>
[[nodiscard]] Status write_value(int fd, const T& value) {
  return write_exactly(fd, std::as_bytes(std::span(&value, 1)));
}

/// CLOCK_MONOTONIC, as programs started here report it.
[[nodiscard]] Nanoseconds now();

}  // namespace hobbes::bench
