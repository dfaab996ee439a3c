// SPDX-License-Identifier: Apache-2.0
// Signals: their names, and those a person sends to the shell while an application runs in front of it.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::shell {

/// "TERM", "SIGTERM", "sigterm" or "15".
[[nodiscard]] Result<int> parse_signal(std::string_view text);
/// Those with a name, without SIG: "TERM".
[[nodiscard]] std::vector<std::string> signal_names();
/// "SIGTERM"; "signal 40" for one without a name.
[[nodiscard]] std::string signal_name(int signal);

/// With what a person, or his terminal, ends what runs in front of it.
inline constexpr std::initializer_list<int> ending_signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/// Catches signals as long as it lives: they make fd() readable and have no other effect. Of several that catch the
/// same signal, the one who looks first has it; those that wait when one goes are gone, too.
class CaughtSignals {
 public:
  [[nodiscard]] static Result<CaughtSignals> create(std::initializer_list<int> signals = ending_signals);
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
