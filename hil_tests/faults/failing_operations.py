"""Each operation of a life fails once, in each way it can; then three ways to go on, and a power cut.

Continue: the store recovers by itself. Kill: the process ends at the failure, the next one finds the page
cache as it is. Cut: the power fails at the failure.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from hil_tests.faults.disk import Disk, Kind
from hil_tests.faults.history import Moment, fill, live, play, scratch
from hil_tests.faults.life import Life, NotingLoop
from hil_tests.faults.recording_vfs import Failure, Plan
from hil_tests.faults.testimony import Acknowledged, Testimony
from hil_tests.faults.verdict import judge

STEPS = 9  # of the life whose operations fail
STEPS_AFTER = 3  # of the next process, after a kill
CUTS = 3  # of a life, besides one right after the failure and one at its end
EARLY = 24  # operations of the next process, after a kill: it recovers
CUTS_EARLY = 5
THOROUGH = 5  # one of so many images recovers as in service
MISTAKES_KEPT = 20


@dataclass(slots=True)
class Counts:
    """`failures`: operations that were made to fail; `images`: power cuts that were judged."""

    operations: int = 0
    failures: int = 0
    images: int = 0
    rows: int = 0
    lost: int = 0
    mistakes: list[str] = field(default_factory=list)


def fail_each(
    seed: int,
    kinds: AbstractSet[Kind] = frozenset(Kind),
    told: Callable[[Counts], None] = lambda _counts: None,
) -> Counts:
    """All operations of these kinds of the life with this seed."""
    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        return runner.run(_fail_each(seed, kinds, told))


async def _fail_each(seed: int, kinds: AbstractSet[Kind], told: Callable[[Counts], None]) -> Counts:
    attempts = (await _first_life(seed, None)).vfs.attempts
    counts = Counts(operations=len(attempts))
    for number, kind in enumerate(attempts):
        ways = Failure if kind is Kind.WRITE else (Failure.IO,)
        for failure in ways if kind in kinds else ():
            await _fail(seed, Plan(number=number, failure=failure), counts)
            told(counts)
    return counts


async def _first_life(seed: int, plan: Plan | None) -> Life:
    return await live(Disk(random.Random(seed)), random.Random(seed), steps=STEPS, plan=plan)


async def _fail(seed: int, plan: Plan, counts: Counts) -> None:
    counts.failures += 1
    life = await _first_life(seed, plan)
    vfs = life.vfs
    assert vfs.failed_at is not None
    name = f"seed {seed}, {plan.failure} at {vfs.attempts[plan.number].name} {plan.number}"
    counts.mistakes += [f"{name}: {each}" for each in _hasty(life)]
    chance = random.Random(f"{seed} {plan}")
    end = len(vfs.operations)
    wanted = {min(vfs.failed_at + 1, end), end, *chance.choices(range(vfs.failed_at, end + 1), k=CUTS)}
    disk, testimony = Disk(random.Random(seed)), Testimony()
    at_failure: tuple[Disk, Testimony] | None = None
    async for moment in play(0, disk, testimony, life, end):
        if moment.position == min(vfs.failed_at + 1, end):
            at_failure = disk.copy(), testimony.copy()
        await _judge(f"{name}, continue", moment, wanted, chance, counts)
    assert at_failure is not None
    wanted = set(chance.choices(range(EARLY), k=CUTS_EARLY))
    async for moment in _after_kill(*at_failure, chance):
        await _judge(f"{name}, kill", moment, wanted, chance, counts)
    del counts.mistakes[MISTAKES_KEPT:]


async def _after_kill(disk: Disk, testimony: Testimony, chance: random.Random) -> AsyncIterator[Moment]:
    life = await live(disk, chance, steps=STEPS_AFTER)
    async for moment in play(1, disk, testimony, life, len(life.vfs.operations)):
        yield moment


async def _judge(name: str, moment: Moment, wanted: set[int], chance: random.Random, counts: Counts) -> None:
    if moment.position not in wanted:
        return
    with scratch() as directory:
        fill(Path(directory), moment.disk.cut(chance))
        thorough = counts.images % THOROUGH == 0
        verdict = await judge(Path(directory), moment.testimony, thorough=thorough)
    counts.images += 1
    counts.rows += verdict.rows
    counts.lost += verdict.lost
    counts.mistakes += [
        f"{name}, cut at operation {moment.position}: {each}" for each in verdict.mistakes[:3]
    ]


def _hasty(life: Life) -> list[str]:
    """Acknowledgements between the failure and the TRUNCATE checkpoint that follows it."""
    vfs = life.vfs
    assert vfs.failed_at is not None
    proven = next(
        (
            number
            for number, each in enumerate(vfs.operations)
            if number >= vfs.failed_at and each.kind is Kind.TRUNCATE and each.at == 0
        ),
        len(vfs.operations),
    )
    return [
        f"acknowledged at operation {position}, failed at {vfs.failed_at}, no checkpoint before {proven}"
        for position, what in life.said
        if isinstance(what, Acknowledged) and vfs.failed_at < position <= proven
    ]
