// SPDX-License-Identifier: Apache-2.0
// SignalWord: how the exporter of a signalled segment hears of its signals (abi/xemem.h).
#pragma once

#include <cstdint>
#include <mutex>

#include "base/mapping.hpp"
#include "leviathan/client/xemem/memory_file.hpp"

namespace hobbes::xemem {

/// Any thread; errors are errnos, 0: none.
class SignalWord {
 public:
  [[nodiscard]] static Result<std::shared_ptr<SignalWord>> create();

  [[nodiscard]] const MemoryFilePtr& file() const { return file_; }
  [[nodiscard]] int bell() const { return bell_.get(); }

  /// EAGAIN: there is none.
  [[nodiscard]] int take_one();
  [[nodiscard]] int take_all();
  /// ETIMEDOUT.
  [[nodiscard]] int wait(int timeout_ms);

 private:
  SignalWord(MemoryFilePtr file, Mapping mapping, UniqueFd bell)
      : file_(std::move(file)), mapping_(std::move(mapping)), bell_(std::move(bell)) {}
  [[nodiscard]] std::uint64_t* word() const { return reinterpret_cast<std::uint64_t*>(mapping_.data()); }
  void count_in_word();
  void show_in_bell();
  [[nodiscard]] bool take_from_word();
  [[nodiscard]] int sleep(int timeout_ms);

  const MemoryFilePtr file_;
  const Mapping mapping_;
  const UniqueFd bell_;
  std::mutex mutex_;
  int sleepers_ = 0;  ///< under mutex_
};

}  // namespace hobbes::xemem
