"""The real gateway as a process whose system calls fail: strace answers some in the kernel's place."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.store import Store
from hil_tests.interpreters import program
from hil_tests.steady_node import SteadyNode

UID = bytes.fromhex("240ac4006200")
BLOCK_EVERY_S = 0.01
WAIT_S = 30.0
POLL_S = 0.01
ACKNOWLEDGED_AFTER = 50  # blocks, after the gateway has recovered
ALL_ROWS = 1_000_000
TAKES_RECORDS = "takes records again"  # what the log says then
CONFIGURATION = """\
[gateway]
name = "traced"
state_directory = "{state}"

[[port]]
glob = "{port}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`lost`: acknowledged and not stored. `log`: what the gateway said."""

    acknowledged: int
    lost: int
    log: str


def can_trace() -> bool:
    """Whether this machine lets a process trace its child."""
    tracing = [str(program("strace")), "-e", "trace=none", "true"]
    done = subprocess.run(tracing, capture_output=True, check=False)
    return done.returncode == 0


def run_with(directory: Path, injection: str) -> Outcome:
    """Run until it has met the fault (strace's `-e inject=`) and works again; then kill and judge it.

    Raises TimeoutError where it does not work again.
    """
    log = directory / "log"
    with SteadyNode(UID, every_s=BLOCK_EVERY_S) as node:
        config = directory / "fieldgate.toml"
        config.write_text(CONFIGURATION.format(state=directory / "state", port=node.port), encoding="utf-8")
        calls = injection.partition(":")[0]
        command = [
            *(str(program("strace")), "-f", "-qq", "-o", os.devnull),
            *("-e", f"trace={calls}", "-e", f"inject={injection}"),
            *(sys.executable, "-m", "gateway.cli", "run", "--config", str(config)),
        ]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        try:
            node.flow()
            _wait(lambda: TAKES_RECORDS in log.read_text(encoding="utf-8"), log)
            before = len(node.acknowledged)
            _wait(lambda: len(node.acknowledged) >= before + ACKNOWLEDGED_AFTER, log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _wait(lambda: not _is_alive(process.pid), log)
        acknowledged = {identity.seq for identity in node.acknowledged}
    lost = acknowledged - asyncio.run(_stored(directory / "state"))
    return Outcome(acknowledged=len(acknowledged), lost=len(lost), log=log.read_text(encoding="utf-8"))


def _is_alive(group: int) -> bool:
    """Whether a thread of the group still runs: strace is waited for, what it traced is not our child.

    A process may be a zombie while a thread of it ends its last system call, and holds the store's lock.
    """
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, its_group = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
            threads = len(list((stat.parent / "task").iterdir()))
            if int(its_group) == group and (state not in {"Z", "X"} or threads > 1):
                return True
    return False


async def _stored(directory: Path) -> set[int]:
    store = Store.open(directory)
    try:
        return {row.seq for row in store.read_after(0, ALL_ROWS)}
    finally:
        await store.close()


def _wait(fact: Callable[[], bool], log: Path) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not fact():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"after {WAIT_S:.0f} s:\n{log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(POLL_S)
