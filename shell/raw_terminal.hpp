// SPDX-License-Identifier: Apache-2.0
// RawTerminal: hands every key to whoever reads the terminal, as long as it lives.
#pragma once

#include <termios.h>

namespace hobbes::shell {

class RawTerminal {
 public:
  /// Whether keys like Ctrl-C go on being signals.
  enum class Signals { off, on };

  /// Does nothing where `fd` is no terminal.
  RawTerminal(int fd, Signals signals);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  [[nodiscard]] bool active() const { return active_; }

 private:
  int fd_;
  bool active_ = false;
  termios before_{};
};

}  // namespace hobbes::shell
