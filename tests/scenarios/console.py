# SPDX-License-Identifier: Apache-2.0
"""The console of enclave k on a terminal."""
import signal
import subprocess
import sys
import termios

from terminal import Terminal, expect_equal, run

LEAVE = "\x1d"  # Ctrl-]


def echoes(terminal):
    return bool(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)


def attached(*options):
    terminal = Terminal("hobbes", "console", *options, "k")
    terminal.expect(r"Ctrl-\] leaves")
    terminal.expect("co-kernel")
    expect_equal("the terminal is raw", echoes(terminal), False)
    return terminal


def the_escape_leaves():
    for options in [], ["--read-only"]:
        terminal = attached(*options)
        terminal.type(LEAVE)
        expect_equal("exit status", terminal.end()[0], 0)


def keys_reach_the_enclave_and_control_c_is_one_of_them():
    console = attached()
    reader = Terminal("hobbes", "launch_app", "k", "--", "/bin/busybox", "sh", "-c",
                      "echo ready; head -c 5 /dev/console | od -c")
    reader.expect("ready")
    console.type("ab\x03c\n")
    reader.expect(r"a +b +003 +c +\\n")
    expect_equal("the reader's status", reader.end()[0], 0)
    console.type(LEAVE)
    expect_equal("exit status", console.end()[0], 0)


def control_c_leaves_who_only_watches():
    terminal = attached("--read-only")
    terminal.type("\x03")
    expect_equal("exit status", terminal.end()[0], 128 + signal.SIGINT)


def a_signal_leaves_the_terminal_as_it_was():
    shell = Terminal("/bin/sh", "-c", "hobbes console k; echo status $?; stty -a")
    shell.expect("co-kernel")
    subprocess.run(["pkill", "-TERM", "-P", str(shell.pid), "hobbes"], check=True)
    shell.expect(f"status {128 + signal.SIGTERM}")
    shell.expect(r"\becho\b.*\bicanon\b|\bicanon\b[^-]*\becho\b")
    shell.end()


sys.exit(run([the_escape_leaves, keys_reach_the_enclave_and_control_c_is_one_of_them,
              control_c_leaves_who_only_watches, a_signal_leaves_the_terminal_as_it_was]))
