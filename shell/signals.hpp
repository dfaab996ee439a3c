// SPDX-License-Identifier: Apache-2.0
// Signals: their names, and those a person sends to the shell while an application runs in front of it.
#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::shell {

/// "TERM", "SIGTERM", "sigterm" or "15".
[[nodiscard]] Result<int> parse_signal(std::string_view text);
/// "SIGTERM"; "signal 40" for one without a name.
[[nodiscard]] std::string signal_name(int signal);

/// Catches SIGINT, SIGTERM, SIGHUP and SIGQUIT as long as it lives: they make fd() readable and do not end the shell.
class CaughtSignals {
 public:
  [[nodiscard]] static Result<CaughtSignals> create();
  CaughtSignals(CaughtSignals&& other) noexcept;
  CaughtSignals& operator=(CaughtSignals&&) = delete;
  ~CaughtSignals();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next caught signal; empty if there is none waiting.
  [[nodiscard]] std::optional<int> next();

 private:
  CaughtSignals(UniqueFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  UniqueFd fd_;
  sigset_t before_;
};

}  // namespace hobbes::shell
