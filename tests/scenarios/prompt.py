# SPDX-License-Identifier: Apache-2.0
"""The prompt over a node with an enclave kitten; in a directory of its own."""
import os
import signal
import sys

from terminal import Terminal, expect_equal, run

SPIN = os.environ["HOBBES_EXAMPLES"] + "/spin"
PROMPT = "hobbes> "
TAB = "\t"
CONTROL_C = "\x03"
CONTROL_D = "\x04"
CONTROL_R = "\x12"
UP = "\x1b[A"


def opened():
    terminal = Terminal("hobbes")
    terminal.expect("'help' lists the commands")
    terminal.expect(PROMPT)
    return terminal


def closed(terminal, status=0):
    terminal.type(CONTROL_D)
    expect_equal("exit status", terminal.end()[0], status)


def commands_run_one_after_the_other():
    terminal = opened()
    terminal.line("launch_app kitten -- /bin/busybox sh -c 'echo $((6 * 7))'")
    terminal.expect(r"\n42\r")
    terminal.expect(PROMPT)
    terminal.line("ping_enclave kitten")
    terminal.expect("kitten: pong")
    terminal.expect(PROMPT)
    terminal.line("help ping_enclave")
    terminal.expect("Usage: hobbes ping_enclave")
    terminal.expect(PROMPT)
    closed(terminal)


def a_command_that_fails_says_so_and_the_prompt_goes_on():
    terminal = opened()
    terminal.line("destroy_enclave nobody")
    terminal.expect("hobbes: .*'nobody'")
    terminal.expect(PROMPT)
    terminal.line("frobnicate")
    terminal.expect("unknown command 'frobnicate'")
    terminal.expect("Try 'help'")
    terminal.expect(PROMPT)
    terminal.line("list_apps 'open")
    terminal.expect("never closed")
    terminal.expect(PROMPT)
    closed(terminal)


def tab_completes_commands_options_names_and_files():
    terminal = opened()
    terminal.type("list_e" + TAB)
    terminal.expect("nclaves ")
    terminal.type("--j" + TAB)
    terminal.expect("son ")
    terminal.type("\r")
    terminal.expect('"name": "kitten"')
    terminal.expect(PROMPT)
    terminal.type("ping_enclave ki" + TAB)
    terminal.expect("tten ")
    terminal.type("\r")
    terminal.expect("kitten: pong")
    terminal.expect(PROMPT)
    open("my descriptor.xml", "w").close()
    terminal.type("create_enclave my" + TAB)
    terminal.expect(r"\\ descriptor\.xml ")
    terminal.type("\r")
    terminal.expect("hobbes: my descriptor.xml:")
    terminal.expect(PROMPT)
    closed(terminal)


def tab_lists_where_there_are_several():
    terminal = opened()
    terminal.type("list" + TAB)
    terminal.expect("_")
    terminal.type(TAB)
    for name in "apps", "cpus", "enclaves", "memory", "pci", "segments":
        terminal.expect("list_" + name)
    terminal.expect(PROMPT)
    terminal.type("apps\r")
    terminal.expect("Application")
    terminal.expect(PROMPT)
    closed(terminal)


def lines_are_remembered_from_one_prompt_to_the_next():
    terminal = opened()
    terminal.line("help check_db")
    terminal.expect("Check the resource database")
    terminal.expect(PROMPT)
    closed(terminal)
    terminal = opened()
    terminal.type(UP + "\r")
    terminal.expect("Check the resource database")
    terminal.expect(PROMPT)
    terminal.type(CONTROL_R + "check")
    terminal.expect("help check_db")
    terminal.type("\r")
    terminal.expect("Check the resource database")
    terminal.expect(PROMPT)
    closed(terminal)


def control_c_drops_the_line():
    terminal = opened()
    terminal.type("destroy_enclave kitten" + CONTROL_C)
    terminal.expect(PROMPT)
    terminal.line("list_enclaves")
    terminal.expect("kitten .*Running")
    terminal.expect(PROMPT)
    closed(terminal)


def control_c_reaches_the_program_and_not_the_prompt():
    terminal = opened()
    for enclave in "kitten", "master":
        terminal.line(f"launch_app {enclave} -- {SPIN}")
        terminal.expect("spinning")
        terminal.type(CONTROL_C)
        terminal.expect(PROMPT)
    closed(terminal)


def control_c_ends_whatever_a_command_waits_for():
    terminal = opened()
    terminal.line(f"launch_app -d --name background kitten -- {SPIN}")
    terminal.expect("Launched application")
    terminal.expect(PROMPT)
    for command, sign in (("wait_app background", r"wait_app background\r*\n"),
                          ("ping_enclave -c 1000000 kitten", "master: ping"),
                          ("cat_into_file kitten /enclave/typed", r"/enclave/typed\r*\n"),
                          ("console --read-only kitten", "leaves")):
        terminal.line(command)
        terminal.expect(sign)
        terminal.type(CONTROL_C)
        terminal.expect(PROMPT)
    terminal.line("list_apps")
    terminal.expect("background .*Running")
    terminal.expect(PROMPT)
    terminal.line("kill_app background")
    terminal.expect(PROMPT)
    terminal.line("wait_app background")
    terminal.expect(PROMPT)
    closed(terminal)


def exit_leaves_with_its_status():
    terminal = opened()
    terminal.line("exit 7")
    expect_equal("exit status", terminal.end()[0], 7)


def a_hangup_leaves_and_so_does_sigterm():
    for number in signal.SIGTERM, signal.SIGHUP:
        terminal = opened()
        os.kill(terminal.pid, number)
        expect_equal("exit status", terminal.end()[0], 0)


sys.exit(run([commands_run_one_after_the_other, a_command_that_fails_says_so_and_the_prompt_goes_on,
              tab_completes_commands_options_names_and_files, tab_lists_where_there_are_several,
              lines_are_remembered_from_one_prompt_to_the_next, control_c_drops_the_line,
              control_c_reaches_the_program_and_not_the_prompt, control_c_ends_whatever_a_command_waits_for,
              exit_leaves_with_its_status, a_hangup_leaves_and_so_does_sigterm]))
