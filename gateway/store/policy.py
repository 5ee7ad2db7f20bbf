"""What goes when there is no room: which records of a stream, a bounded number at a time."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, cast

from gateway.store.records import RECORD_COLUMNS, Stored, whole_rows

if TYPE_CHECKING:
    import apsw


class WhenFull(StrEnum):
    """What happens to a stream when there is no more room."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"  # nothing more of it is taken: it stays on the node
    THIN = "thin"  # alternate stretches go, then alternate ones of what is left


DROP_ROWS = 1024  # of one commit
SCAN_IDS = 65_536  # looked through in one commit: tens of milliseconds
STRETCH = 64  # ids: some pages, or what goes leaves holes that nothing fits into
LEVELS = 16  # of thinning; beyond, one stretch in 65,536 would be left

READINGS = 1
_OTHERS = f"""
SELECT {RECORD_COLUMNS} FROM record
WHERE stream <> 1 AND stream = :stream AND id > :after AND id < :newest
    AND (:stretch = 0 OR (id / :stretch) % :period <> :period - 1)
ORDER BY id LIMIT :limit"""  # noqa: S608 - a constant; "stream <> 1" is the index's own condition
_READINGS = f"""
SELECT {RECORD_COLUMNS} FROM record
WHERE stream = :stream AND id > :after AND id < :newest AND id <= :after + :scan
    AND (:stretch = 0 OR (id / :stretch) % :period <> :period - 1)
ORDER BY id LIMIT :limit"""  # noqa: S608 - a constant
_ID = Stored._fields.index("id")
_FIRST = "SELECT min(id) FROM record WHERE id > ?"
_NEWEST = "SELECT max(id) FROM record"


class Policy:
    """Finds what of one stream goes. Knows up to which id it has looked."""

    def __init__(self, stream: int, when_full: WhenFull) -> None:
        self.stream = stream
        self.when_full = when_full
        self.reset()

    def reset(self) -> None:
        """Look from the beginning: what went last time came back with a rollback."""
        self._after = 0  # of what is up to here nothing goes, as of this level
        self._level = 1

    def next(self, connection: apsw.Connection) -> tuple[list[Stored], bool]:
        """Up to DROP_ROWS whole records that go now, by id; and whether there is more to look at.

        The newest record of the store never goes.
        """
        newest = connection.execute(_NEWEST).get
        if newest is None or self.when_full is WhenFull.DROP_NEWEST:
            return [], False
        found, at_end = self._look(connection, newest)
        if at_end and self.when_full is WhenFull.THIN:
            self._after = 0
            self._level = self._level % LEVELS + 1
            return found, self._level > 1
        return found, not at_end

    def _look(self, connection: apsw.Connection, newest: int) -> tuple[list[Stored], bool]:
        """Records from where it left off, and whether it has come to the end."""
        first = connection.execute(_FIRST, (self._after,)).get
        last = newest - 1
        if first is None or first > last:
            return [], True
        self._after = max(self._after, first - 1)
        readings = self.stream == READINGS
        rows = connection.execute(
            _READINGS if readings else _OTHERS,
            {
                "stream": self.stream,
                "after": self._after,
                "newest": newest,
                "scan": SCAN_IDS,
                "stretch": STRETCH if self.when_full is WhenFull.THIN else 0,
                "period": 1 << self._level,
                "limit": DROP_ROWS,
            },
        ).fetchall()
        if len(rows) == DROP_ROWS:
            self._after = cast("int", rows[-1][_ID])
        else:
            self._after = min(self._after + SCAN_IDS, last) if readings else last
        return whole_rows(rows), self._after >= last
