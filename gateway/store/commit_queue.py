"""What waits for the next commit, between the event loop and the writer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.store.ledger import Key
    from gateway.store.records import Arrival
    from gateway.store.work import Work

ARRIVAL_OCTETS = 400  # what an Arrival takes in memory without its message
WORK_LIMIT = 4096  # cursor moves, exchanges, descriptors; each a kilobyte at most
PATIENCE_S = 1.0  # work that may wait rides with records, and alone only after this
LAZINESS_S = 5.0  # lazy work is written this late, so that a page of its own is not part of each commit
LAZY_RIDES_RECORDS = 64  # with so many its page weighs nothing

_NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one commit takes."""

    arrivals: list[Arrival]
    work: dict[str, Work]
    octets: int = 0
    waiters: list[asyncio.Future[None]] = field(default_factory=list)


class CommitQueue:
    """Filled by the event loop, emptied by the writer's thread, one batch after the other is done.

    A commit is due `window_s` after the first thing that waits for it, or at `records` records.
    """

    def __init__(self, *, window_s: float, records: int) -> None:
        self._window_s = window_s
        self._records = records
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._arrivals: list[Arrival] = []
        self._work: dict[str, Work] = {}
        self._lazy: dict[str, Work] = {}
        self._lazy_due = _NEVER
        self._waiters: list[asyncio.Future[None]] = []
        self._octets = 0  # queued, and taken but not done
        self._due = _NEVER
        self._accepting = True
        self._stops = 0
        self._blocked: set[Key] = set()  # streams of which nothing is taken now
        self._closed = False

    @property
    def octets(self) -> int:
        """Of the records that are neither committed nor refused."""
        return self._octets

    @property
    def closed(self) -> bool:
        """True when nothing will be added any more."""
        return self._closed

    def append(self, arrival: Arrival, limit_octets: int) -> bool:
        """Queue a record; False when so many octets wait already, or records are not accepted now."""
        with self._lock:
            if self._octets >= limit_octets or not self._accepting:
                return False
            if self._blocked and arrival[:3] in self._blocked:
                return False
            self._octets += len(arrival[6]) + ARRIVAL_OCTETS
            arrivals = self._arrivals
            arrivals.append(arrival)
            count = len(arrivals)
            if count == 1:
                self._due_at(monotonic() + self._window_s)
            if count == self._records:
                self._due_at(0.0)
        return True

    def add(self, key: str, work: Work, *, patient: bool = True) -> bool:
        """Queue work, in place of queued work with the same key; False when there is too much."""
        with self._lock:
            if self._closed or (len(self._work) >= WORK_LIMIT and key not in self._work):
                return False
            self._work.pop(key, None)  # so that it comes after what was queued before it
            self._work[key] = work
            self._due_at(monotonic() + (PATIENCE_S if patient else self._window_s))
        return True

    def add_lazy(self, key: str, work: Work) -> bool:
        """Queue work that a crash may cost: it has its commit within LAZINESS_S. As `add` else."""
        with self._lock:
            if self._closed or (len(self._lazy) >= WORK_LIMIT and key not in self._lazy):
                return False
            self._lazy.pop(key, None)
            self._lazy[key] = work
            if self._lazy_due == _NEVER:
                self._lazy_due = monotonic() + LAZINESS_S
                self._due_at(self._lazy_due)
        return True

    def flush(self, waiter: asyncio.Future[None]) -> bool:
        """Make a commit due now; the waiter goes with it. False when closed."""
        with self._lock:
            if self._closed:
                return False
            self._waiters.append(waiter)
            self._due_at(0.0)
        return True

    def take(self, eager: Callable[[], bool] = lambda: False) -> Batch:
        """Wait until a commit is due and take everything but what is lazy. Empty only when closed.

        When `eager` says so what is lazy is taken, too.
        """
        with self._lock:
            while not self._closed and (remaining := self._due - monotonic()) > 0:
                self._changed.wait(None if remaining == _NEVER else remaining)
            return self._take(all_of_it=self._closed or bool(self._waiters) or eager())

    def take_now(self) -> Batch:
        """Take everything, due or not."""
        with self._lock:
            return self._take()

    def done(self, octets: int) -> None:
        """The records of a batch with so many octets are committed or refused."""
        with self._lock:
            self._octets -= octets

    def give_back(self, work: dict[str, Work]) -> None:
        """Work of a batch that is still to be done, unless newer work replaces it."""
        with self._lock:
            self._work = {**work, **self._work}
            if work:
                self._due_at(monotonic() + self._window_s)

    def stop(self) -> int:
        """Take no records from now on. Gives the number of this stop."""
        with self._lock:
            self._accepting = False
            self._stops += 1
            return self._stops

    def resume(self, stop: int) -> None:
        """Take records again, unless there was another stop since the one with this number."""
        with self._lock:
            self._accepting = stop == self._stops and not self._closed

    def block(self, streams: set[Key]) -> list[Arrival]:
        """Take nothing of these streams until they are unblocked. Gives what of them was queued."""
        with self._lock:
            self._blocked |= streams
            queued = [arrival for arrival in self._arrivals if arrival[:3] in streams]
            if queued:
                self._arrivals = [arrival for arrival in self._arrivals if arrival[:3] not in streams]
                self._octets -= sum(len(arrival[6]) + ARRIVAL_OCTETS for arrival in queued)
            return queued

    def unblock(self, streams: set[Key]) -> None:
        """Take records of these streams again."""
        with self._lock:
            self._blocked -= streams

    def pause(self, seconds: float) -> None:
        """Wait, or until closed, or until somebody wants a commit now."""
        until = monotonic() + seconds
        with self._lock:
            while not self._closed and not self._waiters and (remaining := until - monotonic()) > 0:
                self._changed.wait(remaining)

    def close(self) -> None:
        """Add nothing any more."""
        with self._lock:
            self._closed = True
            self._accepting = False
            self._changed.notify()

    def _due_at(self, due: float) -> None:
        if due < self._due:
            self._due = due
            self._changed.notify()

    def _take(self, *, all_of_it: bool = True) -> Batch:
        if all_of_it or len(self._arrivals) >= LAZY_RIDES_RECORDS or self._lazy_due <= monotonic():
            self._work |= self._lazy
            self._lazy, self._lazy_due = {}, _NEVER
        batch = Batch(
            arrivals=self._arrivals,
            work=self._work,
            octets=self._octets,  # of the batch before, nothing is left
            waiters=self._waiters,
        )
        self._arrivals, self._work, self._waiters, self._due = [], {}, [], self._lazy_due
        return batch
