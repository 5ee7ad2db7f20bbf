"""Where the two lanes of a sink read the store: what is new, and what is left behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from gateway.host_clock import Clock
from gateway.readings import StoredRecord
from gateway.sinks.cursor import Cursor
from gateway.timeline import Timeline

READ_ROWS = 256  # of one read of the store
CATCH_UP_ROWS = 256  # so few that wait when a connection opens are no backlog: a short interruption

_NS_PER_S = 1_000_000_000


class RowStore(Protocol):
    """What the lanes want of the store (gateway.store.Store)."""

    def read_after(self, cursor: int, limit: int, /) -> Sequence[StoredRecord]:
        """Committed rows with an id above the cursor, by id, from the lowest on.

        Where an id is missing between them, nothing to deliver will ever be there.
        """
        ...

    def last_id(self) -> int:
        """The id of the newest committed row; 0 when nothing was ever stored."""
        ...


class LiveRows:
    """The rows above the live edge, as they come.

    All up to the edge that is not delivered is backlog. The edge moves only up: to the end of the
    store when the next row has waited for `backfill_after_s`, or came in an earlier boot of the host
    (an import), and behind what was taken when the lane has to leave something behind.
    """

    def __init__(
        self, store: RowStore, cursor: Cursor, timeline: Timeline, clock: Clock, backfill_after_s: float
    ) -> None:
        self.edge = cursor.position
        self._store = store
        self._cursor = cursor
        self._timeline = timeline
        self._clock = clock
        self._after_ns = int(backfill_after_s * _NS_PER_S)
        self._rows: deque[StoredRecord] = deque()
        self._read = self._taken = self.edge
        self.look()

    def begin(self) -> None:
        """A connection is open: what is stored by now is backlog, unless it is little."""
        last = self._store.last_id()
        little = self._cursor.open_up_to(last) <= CATCH_UP_ROWS
        self._start(self._cursor.position if little else last)
        self.look()

    def look(self) -> None:
        """Call often: time has passed."""
        self._host_boot = self._timeline.host_boot
        self._oldest_ns = self._clock.boottime_ns() - self._after_ns

    def is_late(self, row: StoredRecord) -> bool:
        """Whether the row belongs on the other lane."""
        return row.arrived_ns < self._oldest_ns or row.host_boot != self._host_boot

    def next(self) -> StoredRecord | None:
        """The next row; None when there is none, or when the lane has just leapt to the end."""
        if not self._rows and not self._fill():
            return None
        row = self._rows.popleft()
        if row.arrived_ns < self._oldest_ns or row.host_boot != self._host_boot:
            self._start(max(row.id, self._store.last_id()))
            return None
        self._taken = row.id
        return row

    def restart(self) -> None:
        """What is stored by now is backlog."""
        self._start(self._store.last_id())

    def leave_behind(self) -> None:
        """What was taken and is not delivered is backlog from now on."""
        self.edge = self._taken

    def _start(self, edge: int) -> None:
        self._rows.clear()
        self.edge = self._read = self._taken = edge

    def _fill(self) -> bool:
        after = self._cursor.past(self._read)
        rows = self._store.read_after(after, READ_ROWS)
        if rows:
            note_holes(self._cursor, after, rows)
            self._rows.extend(rows)
            self._read = rows[-1].id
        return bool(rows)


class BacklogRows:
    """The rows up to the live edge, from the cursor on, without what is delivered."""

    def __init__(self, store: RowStore, cursor: Cursor, live: LiveRows) -> None:
        self._store = store
        self._cursor = cursor
        self._live = live
        self._rows: deque[StoredRecord] = deque()
        self._read = cursor.position

    def begin(self) -> None:
        """Read everything from the cursor on."""
        self._rows.clear()
        self._read = self._cursor.position

    def next(self) -> StoredRecord | None:
        """The next row; None when there is none."""
        if not self._rows and (self._read >= self._live.edge or not self._fill()):
            return None
        return self._rows.popleft()

    def _fill(self) -> bool:
        edge = self._live.edge
        while (after := self._cursor.past(self._read)) < edge:
            rows = self._store.read_after(after, READ_ROWS)
            older = [row for row in rows if row.id <= edge]
            note_holes(self._cursor, after, older)
            self._read = older[-1].id if older else after
            if not rows or len(older) < len(rows):  # nothing is left up to the edge
                self._cursor.add(self._read + 1, edge)
                self._read = edge
            if older:
                self._rows.extend(older)
                return True
        self._read = edge
        return False


def note_holes(cursor: Cursor, after: int, rows: Sequence[StoredRecord]) -> None:
    """Of ids that are missing between the rows, and before the first one, nothing has to be delivered."""
    if not rows or rows[-1].id - after == len(rows):
        return
    for row in rows:
        if row.id > after + 1:
            cursor.add(after + 1, row.id - 1)
        after = row.id
