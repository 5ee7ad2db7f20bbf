"""The records that a sink has still to deliver, in the order in which they may go."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from gateway.descriptors import Descriptors, DescriptorStore, Unreadable
from gateway.readings import Loss, Pack, StoredRecord, pack_of
from gateway.sinks.cursor import Cursor
from gateway.sinks.patience import Patience, possible
from gateway.timeline import Timeline

READ_ROWS = 256  # of one read of the store
HELD_LIMIT = 4096  # records in memory that wait for their time; a record has at most 1 KiB
AHEAD_LIMIT = 50_000  # ids above the cursor, one of which holds it

Reading = Pack | Loss | Unreadable


class OutboxStore(DescriptorStore, Protocol):
    """What a sink wants of the store (gateway.store.Store)."""

    def read_after(self, cursor: int, limit: int, /) -> Sequence[StoredRecord]:
        """Committed rows with an id above the cursor, by id."""
        ...

    def register_sink(self, sink: str, /) -> None:
        """From now on records are kept until this sink has passed them."""
        ...

    def cursor(self, sink: str, /) -> int:
        """Up to which id the sink has delivered everything."""
        ...

    def move_cursor(self, sink: str, id_: int, /) -> None:
        """Durable with the next commit."""
        ...

    def waiting_for(self, sink: str, /) -> int:
        """How many rows are above the sink's cursor."""
        ...


class Outbox:
    """Reads the store ahead of its cursor.

    A record whose time is not known yet is held, and the later ones of its node with it, so that a
    node's records stay in order; other nodes go on. The cursor stays below what is held.
    """

    def __init__(self, sink: str, store: OutboxStore, timeline: Timeline, patience: Patience) -> None:
        self._sink = sink
        self._store = store
        self._timeline = timeline
        self._patience = patience
        self._descriptors = Descriptors(store)
        self._cursor = Cursor(store.cursor(sink))
        self._kept = self._cursor.position  # as the store knows it
        self._flying: set[int] = set()
        self._rows: deque[StoredRecord] = deque()
        self._read = self._kept  # id of the last row read
        self._held: dict[bytes, deque[StoredRecord]] = {}
        self._released: deque[StoredRecord] = deque()

    @property
    def held(self) -> int:
        """How many records wait for their time."""
        return sum(map(len, self._held.values()))

    def next(self) -> tuple[StoredRecord, Reading] | None:
        """The next record to send, now on its way; None when there is none."""
        if self._released:
            stored = self._released.popleft()
            self._flying.add(stored.id)
            return stored, self._possible(self._reading(stored))
        while (row := self._row()) is not None:
            if self._cursor.is_confirmed(row.id) or row.id in self._flying:
                continue
            self._cursor.taken(row.id)
            reading = self._reading(row)
            if row.uid in self._held:
                self._held[row.uid].append(row)
            elif isinstance(reading, Unreadable) or self._patience.ready(row, reading):
                self._flying.add(row.id)
                return row, self._possible(reading)
            else:
                self._held[row.uid] = deque([row])
        return None

    def release(self) -> None:
        """Let go of the held records whose time is known by now."""
        for uid, rows in list(self._held.items()):
            while rows and self._ready(rows[0]):
                self._released.append(rows.popleft())
            if not rows:
                del self._held[uid]

    def confirmed(self, id_: int) -> None:
        """The broker has the record."""
        self._flying.discard(id_)
        self._cursor.confirmed(id_)

    def refused(self, id_: int) -> None:
        """The broker does not want the record now: it is the next one again, with all after it."""
        self._flying.discard(id_)
        self._rewind()

    def connection_lost(self) -> None:
        """Nobody knows what became of the records on their way: they are sent again."""
        self._flying.clear()
        self._rewind()

    def keep(self) -> None:
        """Tell the store how far everything is delivered."""
        if self._cursor.position > self._kept:
            self._kept = self._cursor.position
            self._store.move_cursor(self._sink, self._kept)

    def _rewind(self) -> None:
        self._rows.clear()
        self._held.clear()
        self._released.clear()
        self._read = self._cursor.position

    def _row(self) -> StoredRecord | None:
        if not self._rows and self._room():
            self._rows.extend(self._store.read_after(self._read, READ_ROWS))
            if self._rows:
                self._read = self._rows[-1].id
        return self._rows.popleft() if self._rows else None

    def _room(self) -> bool:
        """May more be read? What was read before a rewind may be read again in any case."""
        if len(self._cursor) >= AHEAD_LIMIT and self._read >= self._cursor.latest:
            return False
        return not self._held or self.held < HELD_LIMIT

    def _ready(self, row: StoredRecord) -> bool:
        reading = self._reading(row)
        return isinstance(reading, Unreadable) or self._patience.ready(row, reading)

    def _reading(self, row: StoredRecord) -> Reading:
        try:
            return pack_of(row, self._descriptors, self._timeline)
        except Unreadable as error:
            return error

    @staticmethod
    def _possible(reading: Reading) -> Reading:
        if isinstance(reading, Unreadable) or possible(reading):
            return reading
        return Unreadable("impossible_time", f"{reading.utc_ns} ns")
