"""The launcher on the real MicroPython: what stops the node is kept, and Ctrl-C is let through."""

import os
import subprocess

from hil_tests.interpreters import micropython
from tests.firmware.node import ROOT, SEARCH_PATH, STANDIN


def launch(what):
    done = subprocess.run(
        [micropython(), STANDIN / "launch.py"],
        env={
            **os.environ,
            "MICROPYPATH": SEARCH_PATH,
            "FIELDGATE_MAIN": str(ROOT / "firmware" / "main.py"),
            "FIELDGATE_CRASH": what,
        },
        capture_output=True,
        text=True,
        timeout=9,
        check=False,
    )
    return done.stdout


def test_a_crash_is_printed_and_kept_then_the_board_starts_again_after_a_pause():
    said = launch("crash")
    assert said.count("ValueError: a number too many\n") == 2  # on the console, and in the file
    assert said.index("ValueError") < said.index("PAUSE 5") < said.index("MACHINE RESET")
    assert "FILES ['crash.txt']" in said
    assert "an older crash" not in said


def test_ctrl_c_passes_to_the_repl_and_is_no_crash():
    said = launch("ctrl_c")
    assert "an older crash" in said
    assert "PAUSE" not in said
    assert "RESET" not in said


def test_ctrl_c_breaks_the_pause_so_a_crash_loop_locks_nobody_out():
    said = launch("pause")
    assert "ValueError: broken at every start" in said
    assert "PAUSE 5" in said
    assert "RESET" not in said
