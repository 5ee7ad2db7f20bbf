"""The wall clock of one process, set as the test likes, and what the kernel is made to say of it.

libfaketime changes what the process reads of CLOCK_REALTIME; the clocks that only count stay true, as
they do when a real clock is set. It cannot change what adjtimex says: hil_tests/told_gateway.py reads
that from a file, at the place where HostClock takes it from.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from hil_tests.interpreters import library

TOLD_MODULE = "hil_tests.told_gateway"
TOLD_FILE = "FIELDGATE_TEST_KERNEL_SAYS"  # read by that module alone
MAXERROR_S = 0.02  # what the kernel is made to state


class FalseTime:
    """Clock and kernel for a process that runs behind `prefix`. Begins true and not vouched for."""

    def __init__(self, directory: Path) -> None:
        self._offset_path = directory / "offset"
        self._told_path = directory / "kernel.json"
        directory.mkdir(parents=True, exist_ok=True)
        self.step(0.0)
        self.vouch(False)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to begin the command with."""
        return (
            "env",
            f"LD_PRELOAD={library('libfaketime.so.1')}",
            f"FAKETIME_TIMESTAMP_FILE={self._offset_path}",
            "FAKETIME_NO_CACHE=1",
            # Else the clocks that only count are set as well. With it, time.sleep() fails: nothing sleeps.
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            f"{TOLD_FILE}={self._told_path}",
        )

    def step(self, off_s: float) -> None:
        """The wall clock is wrong by this from now on."""
        _replace(self._offset_path, f"{off_s:+.6f}\n")

    def set_to(self, utc_s: float) -> None:
        """The wall clock shows this now."""
        self.step(utc_s - time.time())

    def vouch(self, synchronised: bool) -> None:
        """The kernel says that a daemon keeps the clock, or that none does."""
        _replace(self._told_path, json.dumps({"maxerror_s": MAXERROR_S if synchronised else None}))


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="ascii")
    os.replace(beside, path)  # noqa: PTH105 - a reader sees the old or the new
