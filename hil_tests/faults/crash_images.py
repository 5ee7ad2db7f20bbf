"""Crash images: the store as power cuts would leave it, opened with the real Store and judged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store import Store, StoreState
from hil_tests.faults.history import Moment, fill, moments, scratch
from hil_tests.faults.life import COMMIT_MS, NotingLoop
from hil_tests.faults.records import ALL_STREAMS, Stream, record
from hil_tests.faults.testimony import Acknowledged, Said, Testimony
from hil_tests.faults.verdict import Verdict, judge

CUTS_PER_MOMENT = 2  # where a power cut may leave more than one thing
REVIVED = 40  # one of so many images has to work again, too
THOROUGH = 10  # one of so many recovers as in service, and is looked through page by page
MISTAKES_KEPT = 20


@dataclass(slots=True)
class Counts:
    """`images`: different ones of their history, each opened and judged."""

    images: int = 0
    histories: int = 0
    rows: int = 0
    lost: int = 0
    mistakes: list[str] = field(default_factory=list)


def crash_images(
    first_seed: int, images: int, told: Callable[[Counts], None] = lambda _counts: None
) -> Counts:
    """Judge so many images, of the histories with this seed and the following."""
    counts = Counts()
    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        while counts.images < images:
            runner.run(_judge_history(first_seed + counts.histories, images - counts.images, counts))
            counts.histories += 1
            told(counts)
    return counts


def crash_image(seed: int, number: int, kept: Path) -> Verdict:
    """Judge one image again and keep its files in the folder `kept`."""
    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        return runner.run(_judge_one(seed, number, kept))


async def _judge_history(seed: int, most: int, counts: Counts) -> None:
    with scratch() as name:
        number = 0
        async for moment, files in _images(seed):
            if number == most:
                break
            verdict = await _judge(Path(name), moment, files, number)
            number += 1
            counts.rows += verdict.rows
            counts.lost += verdict.lost
            if verdict.mistakes:
                counts.mistakes.append(
                    f"seed {seed} image {number - 1} (life {moment.life}, operation {moment.position}): "
                    + "; ".join(verdict.mistakes[:5])
                )
                del counts.mistakes[MISTAKES_KEPT:]
        counts.images += number


async def _judge_one(seed: int, number: int, kept: Path) -> Verdict:
    at = 0
    async for moment, files in _images(seed):
        if at == number:
            fill(kept, files)
            with scratch() as name:
                return await _judge(Path(name), moment, files, number)
        at += 1
    raise ValueError(f"history {seed} has {at} images")


async def _images(seed: int):  # type: ignore[no-untyped-def]
    chance = random.Random(~seed)
    seen: set[int] = set()
    async for moment in moments(seed):
        for _ in range(1 if moment.disk.settled else CUTS_PER_MOMENT):
            files = moment.disk.cut(chance)
            key = hash((moment.testimony.acknowledged, *sorted(files.items())))
            if key not in seen:
                seen.add(key)
                yield moment, files


async def _judge(directory: Path, moment: Moment, files: dict[str, bytes], number: int) -> Verdict:
    fill(directory, files)
    verdict = await judge(directory, moment.testimony, thorough=number % THOROUGH == 0)
    if number % REVIVED == 0 and not verdict.mistakes:
        after = await _revive(directory, moment.testimony.copy())
        again = await judge(directory, after)
        verdict.mistakes.extend(f"revived: {mistake}" for mistake in again.mistakes)
    return verdict


async def _revive(directory: Path, testimony: Testimony) -> Testimony:
    """The store takes the next record of every stream. What must be there after that."""
    store = Store.open(directory, group_commit_ms=COMMIT_MS)
    try:
        store.start(
            lambda arrivals: testimony.hear(Said(0, Acknowledged(tuple(arrivals)))), lambda *_refused: None
        )
        await store.flush()
        for stream in ALL_STREAMS:
            store.append(record(stream, store.next_seq(*stream) or 0))
        await store.flush()
        assert store.state is StoreState.OPEN, store.detail
        for row in store.read_after(max(testimony.ids.values(), default=0), 100):
            testimony.ids[Stream(*row[:3]), row.seq] = row.id
    finally:
        await store.close()
    return testimony
