# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and its like on the terminal of `hobbes launch_app`, in enclave k and on the Linux side."""
import os
import signal
import sys

from terminal import Terminal, expect_equal, run

SPIN = os.environ["HOBBES_EXAMPLES"] + "/spin"
ENCLAVES = ("k", "master")
CONTROL_C = "\x03"


def launched(enclave, *program):
    return Terminal("hobbes", "launch_app", enclave, "--", *program)


def control_c_ends_the_program():
    for enclave in ENCLAVES:
        terminal = launched(enclave, SPIN)
        terminal.expect("spinning")
        terminal.type(CONTROL_C)
        expect_equal(enclave, terminal.end()[0], 128 + signal.SIGINT)


def a_program_may_handle_control_c():
    for enclave in ENCLAVES:
        terminal = launched(enclave, "/bin/busybox", "sh", "-c",
                            "trap 'echo trapped; exit 9' INT; echo ready; while :; do sleep 0.1; done")
        terminal.expect("ready")
        terminal.type(CONTROL_C)
        terminal.expect("trapped")
        expect_equal(enclave, terminal.end()[0], 9)


def a_second_control_c_kills():
    for enclave in ENCLAVES:
        terminal = launched(enclave, "/bin/busybox", "sh", "-c",
                            "trap 'echo trapped' INT; echo ready; while :; do sleep 0.1; done")
        terminal.expect("ready")
        terminal.type(CONTROL_C)
        terminal.expect("trapped")
        terminal.type(CONTROL_C)
        expect_equal(enclave, terminal.end()[0], 128 + signal.SIGKILL)


def a_shell_works_on_the_terminal():
    for enclave in ENCLAVES:
        terminal = launched(enclave, "/bin/busybox", "sh")
        terminal.expect(r"[$#] ")
        terminal.line("echo $((6 * 7))")
        terminal.expect(r"\n42\r")
        terminal.line("exit 5")
        expect_equal(enclave, terminal.end()[0], 5)


sys.exit(run([control_c_ends_the_program, a_program_may_handle_control_c, a_second_control_c_kills,
              a_shell_works_on_the_terminal]))
