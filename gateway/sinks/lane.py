"""One of the two lanes of a sink: the live one, or the backlog beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Protocol

from gateway.readings import StoredRecord
from gateway.sinks.cursor import Cursor
from gateway.sinks.judgement import Judgement, Reading

HELD_LIMIT = 4096  # records in memory that wait for their time; a record has at most 1 KiB
REFUSED_LIMIT = 128  # records in memory that a broker has refused; more than its window


class Rows(Protocol):
    """Where a lane reads (gateway.sinks.lane_rows)."""

    def next(self) -> StoredRecord | None:
        """The next row; None when there is none now."""
        ...


class Lane:
    """Gives the records of its rows in their order, without what is delivered or on its way.

    A record whose time is not known yet is held, and the later ones of its node with it, so that a
    node's records stay in order; other nodes go on. A refused record is tried again before new ones.
    """

    def __init__(self, rows: Rows, cursor: Cursor, flying: AbstractSet[int], judgement: Judgement) -> None:
        self._rows = rows
        self._cursor = cursor
        self._flying = flying
        self._judgement = judgement
        self.held = 0  # records that wait for their time
        self._held: dict[bytes, deque[StoredRecord]] = {}
        self._released: deque[StoredRecord] = deque()
        self._refused: dict[int, StoredRecord] = {}
        self._left_out: tuple[int, Callable[[StoredRecord], bool]] = (0, lambda _row: False)

    @property
    def full(self) -> bool:
        """Whether no more may be held or refused. The lane then gives nothing new."""
        return self.held >= HELD_LIMIT or len(self._refused) >= REFUSED_LIMIT

    def oldest_kept(self) -> list[StoredRecord]:
        """The first record of each node that is held, and those that are refused."""
        return [rows[0] for rows in self._held.values()] + list(self._refused.values())

    def next(
        self, resting: AbstractSet[int], *, another: bool = False
    ) -> tuple[StoredRecord, Reading] | None:
        """The next record and what it says; None when there is none.

        Of the refused ones those in `resting` are left out. `another`: if possible not the first of
        the refused, but one that the broker may like better.
        """
        if self._refused:
            again = sorted(self._refused.keys() - resting)
            if len(again) > another:
                return self._refused_one(again[another])
            fresh = self._fresh()
            return fresh if fresh is not None or not again else self._refused_one(again[0])
        return self._fresh()

    def release(self) -> None:
        """Let go of the held records whose time is known by now."""
        for uid, rows in list(self._held.items()):
            while rows and self._judgement.ready(rows[0]) is not None:
                self._released.append(rows.popleft())
                self.held -= 1
            if not rows:
                del self._held[uid]

    def refused(self, row: StoredRecord) -> None:
        """The broker does not want this record now."""
        self._refused[row.id] = row

    def leave_out(self, upto: int, has: Callable[[StoredRecord], bool]) -> None:
        """Of the rows up to this id those that it `has` then count as delivered."""
        self._left_out = upto, has

    def clear(self) -> None:
        """Know of nothing that was read."""
        self.held = 0
        self._held.clear()
        self._released.clear()
        self._refused.clear()

    def _refused_one(self, id_: int) -> tuple[StoredRecord, Reading]:
        row = self._refused.pop(id_)
        return row, self._judgement.now(row)

    def _fresh(self) -> tuple[StoredRecord, Reading] | None:
        if self._released:
            released = self._released.popleft()
            return released, self._judgement.now(released)
        held = self._held
        while not ((held or self._refused) and self.full) and (row := self._rows.next()) is not None:
            if row.id in self._flying or row.id in self._cursor or row.id in self._refused:
                continue
            if row.id <= self._left_out[0] and self._left_out[1](row):
                self._cursor.add(row.id, row.id)
                continue
            if held and row.uid in held:
                held[row.uid].append(row)
                self.held += 1
                continue
            reading = self._judgement.ready(row)
            if reading is not None:
                return row, reading
            held[row.uid] = deque([row])
            self.held += 1
        return None
