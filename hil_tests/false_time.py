"""The clocks of one process, set as the test likes, and what the kernel is made to say of them.

libfaketime changes what the process reads of CLOCK_REALTIME; the clocks that only count stay true, as
they do when a real clock is set. It cannot change what adjtimex says: hil_tests/told_gateway.py reads
that from a file, at the place where HostClock takes it from. After a reboot CLOCK_BOOTTIME is that of a time
namespace, and the boot's id comes from a file, too.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path

from hil_tests.interpreters import library

TOLD_MODULE = "hil_tests.told_gateway"
TOLD_FILE = "FIELDGATE_TEST_KERNEL_SAYS"  # read by that module alone
BOOT_ID_FILE = "FIELDGATE_TEST_BOOT_ID"  # and so is this
MAXERROR_S = 0.02  # what the kernel is made to state


class FalseTime:
    """Clock and kernel for a process that runs behind `prefix`. Begins true and not vouched for.

    A running process sees a step within `look_s` whole seconds; to look each time costs a fifth of a core.
    """

    def __init__(self, directory: Path, *, look_s: int = 0) -> None:
        self._looking = f"FAKETIME_CACHE_DURATION={look_s}" if look_s else "FAKETIME_NO_CACHE=1"
        self._offset_path = directory / "offset"
        self._told_path = directory / "kernel.json"
        self._boot_id_path = directory / "boot_id"
        self._namespace: tuple[str, ...] = ()
        directory.mkdir(parents=True, exist_ok=True)
        _replace(self._boot_id_path, f"{uuid.uuid4()}\n")
        self.step(0.0)
        self.vouch(False)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to begin the command with; another one after a reboot."""
        return (
            *self._namespace,
            "env",
            f"LD_PRELOAD={library('libfaketime.so.1')}",
            f"FAKETIME_TIMESTAMP_FILE={self._offset_path}",
            self._looking,
            # Else the clocks that only count are set as well. With it, time.sleep() fails: nothing sleeps.
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            f"{TOLD_FILE}={self._told_path}",
            f"{BOOT_ID_FILE}={self._boot_id_path}",
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

    def reboot(self) -> None:
        """The next process finds a host that has just booted; the wall clock goes on as it is.

        A namespace's clock is set by whole seconds, and no boot begins before the last one has ended: so this
        waits for the next second. Whoever is not root makes the namespace within one of users.
        """
        up_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        booted_s = int(up_s) + 1
        time.sleep(booted_s - up_s)
        users = () if os.geteuid() == 0 else ("--map-root-user",)
        self._namespace = ("unshare", *users, "--fork", "--time", "--boottime", str(-booted_s))
        _replace(self._boot_id_path, f"{uuid.uuid4()}\n")


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="ascii")
    os.replace(beside, path)  # noqa: PTH105 - a reader sees the old or the new
