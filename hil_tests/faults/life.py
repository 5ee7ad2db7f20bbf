"""One process's life with a store: it takes records, delivers, forgets, closes, opens; from a seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.store import Arrival, Store, StoreError, StoreState
from hil_tests.faults.recording_vfs import RecordingVfs
from hil_tests.faults.records import ALL_STREAMS, DESCRIPTOR, DESCRIPTOR_HASH, Stream, record
from hil_tests.faults.testimony import (
    Acknowledged,
    CursorGiven,
    CursorKept,
    Described,
    Identified,
    Said,
    Welcomed,
    What,
)

SINKS = ("archive", "mqtt")
RECORDS_MOST = 12  # of one commit
DELIVERED_MOST = 60  # of one move of a cursor
ROWS_READ = 1000
TRIES = 50  # until a store takes records again; each is a recovery that failed, or a refusal
COMMIT_MS = 250  # the longest: every commit here is asked for, so that a seed gives the same commits


class NotingLoop(asyncio.SelectorEventLoop):
    """Knows for each call from another thread how many operations there were when it was asked for.

    A commit is said to have returned at that moment, not when the loop gets to hear of it: the writer
    may have gone on meanwhile.
    """

    operations: Callable[[], int] | None = None
    position = 0

    def call_soon_threadsafe(  # type: ignore[override]  # typeshed's has a TypeVarTuple
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> asyncio.Handle:
        position = self.operations() if self.operations is not None else 0

        def noted(*given: Any) -> None:
            self.position = position
            callback(*given)

        return super().call_soon_threadsafe(noted, *args, **kwargs)


class Life:
    """`run` once. `said` is what the store said, in the order of the operations that `vfs` has."""

    def __init__(self, directory: Path, vfs: RecordingVfs, chance: random.Random) -> None:
        self.said: list[Said] = []
        self.refused = 0  # batches
        self._directory = directory
        self.vfs = vfs
        self._chance = chance
        self._next_seqs: dict[Stream, int] = {}
        self._read_id = 0  # identified up to here
        self._store: Store | None = None

    async def run(self, steps: int) -> None:
        """Live so many steps and end in order. Raises AssertionError where the store does not recover."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NotingLoop)
        self._loop = loop
        loop.operations = lambda: len(self.vfs.operations)
        try:
            await self._open()
            for _ in range(steps):
                await self._step()
        finally:
            if self._store is not None:
                await self._store.close()

    @property
    def _living(self) -> Store:
        assert self._store is not None
        return self._store

    async def _step(self) -> None:
        match self._chance.choices(range(5), weights=(60, 20, 12, 5, 3))[0]:
            case 0:
                await self._take()
            case 1:
                await self._deliver()
            case 2:
                self._living.forget_delivered()
                await self._commit()
            case 3:
                await self._take_without_waiting()
            case 4:
                await self._living.close()
                self._store = None
                await self._open()

    async def _open(self) -> None:
        for _ in range(TRIES):
            try:
                store = Store.open(self._directory, group_commit_ms=COMMIT_MS, vfs=self.vfs.name)
            except StoreError as error:
                assert error.reason in {"io", "full"}, f"{error.reason}: {error}"  # noqa: PT017
                continue
            break
        else:
            raise AssertionError("the store does not open any more")
        self._store = store
        self._loop.position = len(self.vfs.operations)
        self._welcome()
        store.start(self._on_committed, self._on_refused)
        store.put_descriptor(DESCRIPTOR_HASH, DESCRIPTOR)
        for sink in SINKS:
            store.register_sink(sink)
        await self._commit()
        self._say(Described())
        self._welcome()

    def _welcome(self) -> None:
        """Nodes say HELLO at once; where the store cannot vouch for what it reads, they have to wait."""
        with suppress(StoreError):
            told = {stream: self._living.next_seq(*stream) for stream in ALL_STREAMS}
            self._say(Welcomed({stream: seq for stream, seq in told.items() if seq is not None}))

    async def _take(self) -> None:
        self._append()
        await self._commit()

    async def _take_without_waiting(self) -> None:
        """Records that come while a commit is under way."""
        self._append()
        first = asyncio.ensure_future(self._living.flush())
        await asyncio.sleep(0)
        await first
        await self._take()

    def _append(self) -> None:
        store = self._living
        for _ in range(self._chance.randint(1, RECORDS_MOST)):
            stream = self._chance.choice(ALL_STREAMS)
            if stream not in self._next_seqs:
                self._next_seqs[stream] = store.next_seq(*stream) or 0
            if store.append(record(stream, self._next_seqs[stream])):
                self._next_seqs[stream] += 1

    async def _deliver(self) -> None:
        store = self._living
        sink = self._chance.choice(SINKS)
        rows = store.read_after(store.cursor(sink), self._chance.randint(1, DELIVERED_MOST))
        if not rows:
            return
        cursor = rows[-1].id
        self._say(CursorGiven(sink, cursor))
        store.move_cursor(sink, cursor)
        await self._commit()
        self._say(CursorKept(sink, cursor))

    async def _commit(self) -> None:
        """Until all that is queued is committed, or its records are refused."""
        store = self._living
        for _ in range(TRIES):
            failures = store.counts.failures
            was_open = store.state is StoreState.OPEN  # else this flush may be a refusal
            await store.flush()
            if was_open and store.state is StoreState.OPEN and store.counts.failures == failures:
                self._identify()
                return
            assert store.state in {StoreState.OPEN, StoreState.DEGRADED}, store.detail
        raise AssertionError(f"the store does not recover: {store.detail}")

    def _identify(self) -> None:
        rows = self._living.read_after(self._read_id, ROWS_READ)
        if rows:
            self._read_id = rows[-1].id
            self._say(Identified({(Stream(*row[:3]), row.seq): row.id for row in rows}))

    def _on_committed(self, arrivals: list[Arrival]) -> None:
        self._say(Acknowledged(tuple(arrivals)))

    def _on_refused(self, _arrivals: list[Arrival], error: StoreError) -> None:
        assert error.reason in {"io", "full", "ended"}, f"{error.reason}: {error}"
        self.refused += 1
        self._next_seqs.clear()  # what is stored decides again

    def _say(self, what: What) -> None:
        self.said.append(Said(self._loop.position, what))
