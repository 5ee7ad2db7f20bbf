"""Cleans up behind a demo that was killed: a process of its own that outlives it for a moment.

A gateway left behind would be worse than untidy. The kernel gives the number of a pty again, and the
gateway would open the port of the next board that gets it, and take its blocks.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

ALL_IS_WELL = b"ended\n"
END_S = 2.0  # it has nothing to do then


class Guard:
    """A context manager. `folder` is temporary and its name stands in its processes' command lines."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, folder],
            stdin=subprocess.PIPE,
            start_new_session=True,  # not ended by what ends the demo
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The demo has cleaned up itself."""
        try:
            self._process.communicate(ALL_IS_WELL, END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def wait_and_clean_up(folder: str) -> None:
    """Wait for standard input to end; unless all is well, kill what works in the folder and delete it."""
    if sys.stdin.buffer.read() == ALL_IS_WELL:
        return
    for pid in _working_in(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def _working_in(folder: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        pid = int(path.parent.name)
        if folder.encode() + b"/" in words and pid != os.getpid():
            found.append(pid)
    return found


if __name__ == "__main__":
    wait_and_clean_up(sys.argv[1])
