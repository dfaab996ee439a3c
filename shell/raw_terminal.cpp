// SPDX-License-Identifier: Apache-2.0
#include "shell/raw_terminal.hpp"

namespace hobbes::shell {

RawTerminal::RawTerminal(int fd, Signals signals) : fd_(fd) {
  if (tcgetattr(fd_, &before_) != 0) return;
  termios raw = before_;
  cfmakeraw(&raw);
  raw.c_oflag |= OPOST;  // the console's lines end in a bare newline
  if (signals == Signals::on) raw.c_lflag |= ISIG;
  active_ = tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (active_) tcsetattr(fd_, TCSADRAIN, &before_);
}

}  // namespace hobbes::shell
