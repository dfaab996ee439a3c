// SPDX-License-Identifier: Apache-2.0
#include "shell/signals.hpp"

#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

#include "base/parse.hpp"

namespace hobbes::shell {
namespace {

constexpr int last_signal = 64;  // Linux's SIGRTMAX as the kernel counts; SIGRTMAX itself is a call

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<int> parse_signal(std::string_view text) {
  std::string name(text);
  if (strncasecmp(name.c_str(), "SIG", 3) == 0) name.erase(0, 3);
  for (int signal = 1; signal <= last_signal; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && strcasecmp(known, name.c_str()) == 0) return signal;
  }
  if (const auto number = parse_u64(text, "signal", 1, last_signal)) return static_cast<int>(*number);
  return Error(Code::invalid, "signal '" + std::string(text) + "' is neither a name nor a number from 1 to " +
                                  std::to_string(last_signal));
}

std::vector<std::string> signal_names() {
  std::vector<std::string> names;
  for (int signal = 1; signal <= last_signal; ++signal)
    if (const char* known = sigabbrev_np(signal)) names.emplace_back(known);
  return names;
}

std::string signal_name(int signal) {
  const char* known = sigabbrev_np(signal);
  return known != nullptr ? std::string("SIG") + known : "signal " + std::to_string(signal);
}

Result<CaughtSignals> CaughtSignals::create(std::initializer_list<int> signals) {
  const sigset_t caught = set_of(signals);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &caught, &before);
  UniqueFd fd(signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    Error error = last_errno("signalfd");
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return error;
  }
  return CaughtSignals(std::move(fd), before);
}

CaughtSignals::CaughtSignals(CaughtSignals&& other) noexcept = default;

CaughtSignals::~CaughtSignals() {
  if (!fd_) return;  // moved from
  while (next()) {
    // A signal that came too late for the application must not end the shell instead of its exit status.
  }
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> CaughtSignals::next() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace hobbes::shell
