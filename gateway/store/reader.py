"""What is committed, for the event loop: its own connection, which cannot write."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from gateway.store import removals, time_rows, wear, work
from gateway.store.dead_letters import DeadLetter
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.records import RECORD_COLUMNS, KnownNode, Stored, is_whole
from gateway.store.room import Room
from gateway.store.small_rows import DEAD_LETTER, DELIVERED, OF_STREAM, SALVAGE, SINK, STREAM
from wire.up import descriptor_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.host_boot import HostBootRecord
    from gateway.store.holds import Holds
    from gateway.store.room import Limits
    from gateway.store.small_rows import Table
    from gateway.timeline import KeptExchange

BUSY_TIMEOUT_MS = 200  # readers of a WAL wait for nobody, except while another opens the file

_T = TypeVar("_T")
_OF_NODE = "WHERE uid = ?"
_RECORDS_AFTER = f"SELECT {RECORD_COLUMNS} FROM record WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - a constant
_BEGIN = "BEGIN"
_END = "END"
_OLDEST = "SELECT min(id) FROM record"
_FIRST_AND_LAST_ID = "SELECT (SELECT min(id) FROM record), (SELECT max(id) FROM record)"
_DESCRIPTOR = "SELECT CAST(body AS BLOB) FROM descriptor WHERE hash = ?"
_OF_BOOT = "WHERE uid = ? AND boot = ? ORDER BY last_host_boot DESC, last_arrived_ns DESC LIMIT 1"
_BY_NODE = "ORDER BY uid, boot"
_BY_NAME = "ORDER BY name"
_BY_ID = "ORDER BY id"
_OF_SINK = "WHERE sink = ? ORDER BY first_id"


class Reader:
    """Reads committed rows. Every method may raise StoreError."""

    def __init__(self, path: Path, vfs: str = "") -> None:
        self.path = path
        self._vfs = vfs
        self._now: apsw.Connection | None = self._opened()

    def close(self) -> None:
        """Read no more."""
        if self._now is not None:
            self._now.close()

    def reopen(self) -> None:
        """Read from the file that has its name now."""
        self.close()
        self._now = None  # opened at the next reading: it may not be possible now

    def twin(self) -> Reader:
        """Another, for another thread."""
        return Reader(self.path, self._vfs)

    def salvaging(self) -> set[int]:
        """The numbers of the damaged stores whose records are still to be taken over."""
        return {folder for folder, _cursor in self._small(SALVAGE, "")}

    def salvage_cursor(self, folder: int) -> int:
        """Up to which id of a damaged store every sink has delivered."""
        rows = self._small(SALVAGE, "WHERE folder = ?", folder)
        return int(rows[0][1]) if rows else 0

    def next_seqs(self, uid: bytes) -> dict[tuple[int, int], int]:
        """By (boot, stream) of the node, the next seq that is not stored."""
        return {(row[1], row[2]): row[4] for row in self._small(STREAM, _OF_NODE, uid)}

    def next_seq(self, uid: bytes, boot: int, stream: int) -> int | None:
        """The next seq of one stream that is not stored."""
        rows = self._small(STREAM, OF_STREAM, uid, boot, stream)
        return rows[0][4] if rows else None

    def after(self, cursor: int, limit: int) -> tuple[list[Stored], list[Stored]]:
        """Up to `limit` whole records above the cursor, by id, and the damaged ones among them.

        No whole record means that there is none above the cursor. Raises StoreError `corrupt` when a
        record is not where it should be.
        """
        whole: list[Stored] = []
        damaged: list[Stored] = []
        while not whole and (rows := self._rows(_RECORDS_AFTER, cursor, limit)):
            if rows[-1][10] - cursor != len(rows):
                rows = self._rows_with_holes(cursor, limit)
            intact = len(damaged)
            for *fields, crc in rows:
                record = Stored._make(fields)
                (whole if is_whole(record, crc) else damaged).append(record)
            if len(damaged) > intact and not _ascend([row[10] for row in rows]):
                raise StoreError("corrupt", f"records above id {cursor} are not in the order of their ids")
            cursor = rows[-1][10]
        return whole, damaged

    def _rows_with_holes(self, cursor: int, limit: int) -> list[Any]:
        """The rows again, where ids are missing: those must have been taken out on purpose."""
        with _as_store_error("reading"), self._snapshot():
            rows: list[Any] = self._connection.execute(_RECORDS_AFTER, (cursor, limit)).fetchall()
            ids = [cursor, *(row[10] for row in rows)]
            first, last = max(cursor + 1, self._oldest()), ids[-1]
            if not _ascend(ids) or (
                len(rows) != last - first + 1 and not removals.are_all(self._connection, first, last)
            ):
                raise StoreError("corrupt", f"records are missing between ids {first} and {last}")
            return rows

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute(_BEGIN)
        try:
            yield
        finally:
            self._connection.execute(_END)

    def _oldest(self) -> int:
        return int(self._connection.execute(_OLDEST).get or 0)

    def first_and_last_id(self) -> tuple[int, int]:
        """The ids of the oldest and of the newest record; (1, 0) when nothing was ever stored."""
        ((first, last),) = self._rows(_FIRST_AND_LAST_ID)
        return (1, 0) if first is None else (first, last)

    def count(self, first: int, last: int) -> int:
        """How many records there are from id `first` to id `last`."""
        oldest, newest = self.first_and_last_id()
        first, last = max(first, oldest), min(last, newest)
        with _as_store_error("reading"):
            return max(0, last - first + 1 - removals.missing(self._connection, first, last))

    def room(self, limits: Limits) -> Room:
        """How much more may be stored. Raises OSError, too."""
        with _as_store_error("reading"):
            return Room.of(self._connection, self.path.parent, limits)

    def written(self) -> dict[int, int]:
        """Octets written for the store, by day of UTC since 1970."""
        with _as_store_error("reading"):
            return wear.by_day(self._connection)

    def descriptor(self, hash8: bytes) -> bytes | None:
        """The descriptor with this hash; None also when it is damaged: the node is asked again."""
        rows = self._rows(_DESCRIPTOR, hash8)
        return rows[0][0] if rows and descriptor_hash(rows[0][0]) == hash8 else None

    def descriptor_hash_of(self, uid: bytes, boot: int) -> bytes | None:
        """The hash that came with the latest record of this boot of the node."""
        rows = self._small(STREAM, _OF_BOOT, uid, boot)
        return rows[0][6] if rows else None

    def sinks(self) -> dict[str, int]:
        """The cursor of every sink that was registered and not removed, in whatever run."""
        return dict(self._small(SINK, _BY_NAME))

    def ranges(self, sink: str) -> list[tuple[int, int]]:
        """The ids above the sink's cursor that it has delivered, both ends included."""
        return [(first, last) for _sink, first, last in self._small(DELIVERED, _OF_SINK, sink)]

    def dead_letters(self) -> list[DeadLetter]:
        """All of them, by id."""
        return [DeadLetter._make(row) for row in self._small(DEAD_LETTER, _BY_ID)]

    def ask(self, question: Callable[[apsw.Connection], _T]) -> _T:
        """What the connection's rows answer."""
        with _as_store_error("reading"):
            return question(self._connection)

    def forgettable(self, holds: Holds) -> int:
        """How many records every sink has delivered and does not hold, but for the newest record."""
        with _as_store_error("reading"):
            first, last = work.forgettable(self._connection, holds)
        return 0 if first is None or last is None else max(0, last - first + 1)

    def nodes(self) -> list[KnownNode]:
        """Every node of which a record was ever stored, by uid."""
        nodes: dict[bytes, KnownNode] = {}
        for uid, boot, *_, host_boot, arrived_ns, last_host_boot, last_ns in self._small(STREAM, _BY_NODE):
            first, last = (host_boot, arrived_ns), (last_host_boot, last_ns)
            node = nodes.get(uid)
            if node is None:
                nodes[uid] = KnownNode(uid, 1, boot, first, last)
                continue
            nodes[uid] = KnownNode(
                uid,
                node.boots + (boot != node.latest_boot),
                boot,
                min(node.first_arrival, first),
                max(node.last_arrival, last),
            )
        return list(nodes.values())

    def exchanges(self) -> list[KeptExchange]:
        """All exchanges in the order they happened."""
        with _as_store_error("reading"):
            return time_rows.exchanges(self._connection)

    def host_boots(self) -> list[HostBootRecord]:
        """All boots of the host by number."""
        with _as_store_error("reading"):
            return time_rows.host_boots(self._connection)

    @property
    def _connection(self) -> apsw.Connection:
        if self._now is None:
            self._now = self._opened()
        return self._now

    def _opened(self) -> apsw.Connection:
        with _as_store_error(f"opening {self.path} to read"):
            connection = apsw.Connection(
                str(self.path), flags=apsw.SQLITE_OPEN_READONLY, vfs=self._vfs or None
            )
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return connection

    def _small(self, table: Table, where: str, *values: bytes | str | int) -> list[Any]:
        with _as_store_error("reading"):
            return table.rows(self._connection, where, *values)

    def _rows(self, sql: str, *values: bytes | str | int) -> list[Any]:
        # Fetched whole: a read transaction left open would hold up every checkpoint.
        with _as_store_error("reading"):
            return self._connection.execute(sql, values).fetchall()


@contextmanager
def _as_store_error(doing: str) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise from_sqlite(doing, error) from error


def _ascend(ids: list[int]) -> bool:
    return all(one < other for one, other in pairwise(ids))
