// SPDX-License-Identifier: Apache-2.0
// ChangeWord: a futex word in shared memory that counts commits, so that readers can sleep until the next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/mapping.hpp"
#include "base/result.hpp"

namespace hobbes::db {

/// Use: `seen = word.value()`, read the database, then `word.wait(seen, ...)`: a commit between the first and the
/// last ends the wait at once, so none is missed. Thread-safe.
class ChangeWord {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Maps `file` for reading; the word can be waited for, not advanced.
  [[nodiscard]] static Result<ChangeWord> open(const std::filesystem::path& file);
  /// Maps `file` for writing, creating it (mode 0600) with the word 0.
  [[nodiscard]] static Result<ChangeWord> create(const std::filesystem::path& file);

  /// Everything committed before the word took this value is seen by a read transaction begun after this call.
  [[nodiscard]] std::uint32_t value() const;

  /// Sleeps until the word is not `seen` any more: true; false when `deadline` passed first. Without a deadline it
  /// waits for ever.
  [[nodiscard]] Result<bool> wait(std::uint32_t seen, std::optional<Deadline> deadline = std::nullopt) const;

  /// Writer, after its commit: counts up and wakes all who wait.
  void advance() const;

 private:
  explicit ChangeWord(Mapping mapping) : mapping_(std::move(mapping)) {}
  [[nodiscard]] std::uint32_t* word() const;

  Mapping mapping_;
};

}  // namespace hobbes::db
