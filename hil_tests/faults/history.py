"""Lives of a store, one after the other on the same disk, each ended by a close, a kill or a power cut."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from unittest.mock import patch

from hil_tests.faults.disk import Disk
from hil_tests.faults.life import Life
from hil_tests.faults.recording_vfs import Failure, Plan, RecordingVfs
from hil_tests.faults.testimony import Testimony

LIVES_MOST = 3
STEPS = (4, 16)  # of one life, least and most
FAILING = 0.4  # of the lives
ATTEMPTS = 200  # of a long life; which of them fails is drawn from so many
MEMORY = Path("/dev/shm")  # fast, and wears no disk


class End(StrEnum):
    """Of a life."""

    CLOSE = "close"
    KILL = "kill"  # the page cache stays
    CUT = "power cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The disk, and what was said by then. Both go on: look, do not keep."""

    life: int
    position: int
    disk: Disk
    testimony: Testimony


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory, where there is such a thing."""
    return tempfile.TemporaryDirectory(prefix="fieldgate-", dir=MEMORY if MEMORY.is_dir() else None)


def fill(directory: Path, files: Mapping[str, bytes]) -> None:
    """The folder has these files of a store, and no others."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("store.db*"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (directory / name).write_bytes(content)


async def live(disk: Disk, chance: random.Random, *, steps: int, plan: Plan | None = None) -> Life:
    """One life on what a process finds on this disk now, to its orderly end."""
    vfs = RecordingVfs(plan)
    try:
        with scratch() as name, patch("gateway.store.former_wal.sync_folder", vfs.sync_folder):
            fill(Path(name), disk.cached())
            life = Life(Path(name), vfs, chance)
            await life.run(steps)
    finally:
        vfs.unregister()
    return life


async def moments(seed: int) -> AsyncIterator[Moment]:
    """Every moment of the history with this seed, between any two operations of any of its lives."""
    chance = random.Random(seed)
    disk = Disk(random.Random(chance.random()))
    testimony = Testimony()
    for number in range(chance.randint(1, LIVES_MOST)):
        life = await live(disk, chance, steps=chance.randint(*STEPS), plan=_plan(chance))
        end = chance.choice(list(End))
        position = len(life.vfs.operations) if end is End.CLOSE else _end(life.vfs, chance)
        async for moment in play(number, disk, testimony, life, position):
            yield moment
        if end is End.CUT:
            disk = Disk(random.Random(chance.random()), disk.cut(chance))


async def play(number: int, disk: Disk, testimony: Testimony, life: Life, end: int) -> AsyncIterator[Moment]:
    """Do to the disk what the life did, up to operation `end`, and stop after each."""
    said = iter(life.said)
    next_said = next(said, None)
    for position in range(end + 1):
        if position:
            disk.apply(life.vfs.operations[position - 1])
        while next_said is not None and next_said.position <= position:
            testimony.hear(next_said)
            next_said = next(said, None)
        yield Moment(life=number, position=position, disk=disk, testimony=testimony)


def _plan(chance: random.Random) -> Plan | None:
    if chance.random() >= FAILING:
        return None
    return Plan(number=chance.randrange(ATTEMPTS), failure=chance.choice(list(Failure)))


def _end(vfs: RecordingVfs, chance: random.Random) -> int:
    """Often right after an operation that failed: that is when a service is restarted."""
    if vfs.failed_at is not None and chance.random() < 0.5:
        return min(vfs.failed_at + chance.randint(1, 3), len(vfs.operations))
    return chance.randint(len(vfs.operations) // 3, len(vfs.operations))
