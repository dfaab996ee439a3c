# SPDX-License-Identifier: Apache-2.0
"""Terminal: a program on a terminal of its own, and a person who types and reads."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 30  # seconds for one thing to appear
SHOWN = 500  # characters of what was seen instead


class Terminal:
    """Runs `argv` on a new terminal of 24 lines and 80 columns; on it Ctrl-C and the like are signals."""

    def __init__(self, *argv):
        self.argv = argv
        self.seen = ""  # and not consumed by expect()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def line(self, text):
        self.type(text + "\r")

    def expect(self, pattern):
        """Waits for the pattern in what has not been consumed yet, and consumes up to its end. The match."""
        deadline = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            if not self._read(deadline):
                shown = self.seen[-SHOWN:]
                raise AssertionError(f"{' '.join(self.argv)}: expected /{pattern}/, the terminal shows: {shown!r}")

    def end(self):
        """Waits for the end: (exit status as a shell has it, what was not consumed)."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                return (128 - code if code < 0 else code), self.seen
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"{' '.join(self.argv)}: does not end; the terminal shows: {self.seen[-SHOWN:]!r}")

    def _read(self, deadline):
        """Takes in what comes next; False: nothing more will."""
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the program has closed the terminal
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


def expect_equal(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def run(cases):
    """Runs the functions; says which failed and why. For sys.exit()."""
    failures = 0
    for case in cases:
        try:
            case()
        except AssertionError as error:
            failures += 1
            print(f"FAILED: {case.__name__.replace('_', ' ')}: {error}", file=sys.stderr)
    return 1 if failures else 0
