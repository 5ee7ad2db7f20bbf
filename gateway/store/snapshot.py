"""One moment of a store, beside an agent or without one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from gateway.store.errors import StoreError, from_sqlite
from gateway.store.records import Stored, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.store.small_rows import Row, Table

BUSY_TIMEOUT_MS = 5000  # an agent that starts holds the file for its checkpoint
SHOWN_LIMIT = 200  # characters of a damaged row

_BEGIN = "BEGIN"
_NOW = "SELECT count(*) FROM sink"  # the moment is that of the first row that is read
_RECORDS_AFTER = """
SELECT CAST(uid AS BLOB), CAST(boot AS INTEGER), CAST(stream AS INTEGER), CAST(seq AS INTEGER),
    CAST(next_seq AS INTEGER), CAST(kind AS INTEGER), CAST(message AS BLOB), CAST(descriptor AS BLOB),
    CAST(host_boot AS INTEGER), CAST(arrived_ns AS INTEGER), id, CAST(crc AS INTEGER)
FROM record WHERE id > ? ORDER BY id"""


@contextmanager
def snapshot(path: Path) -> Iterator[apsw.Connection]:
    """A connection that cannot write, and that sees the store as it is now until the end of the block.

    What the agent writes meanwhile goes into the WAL, which grows until then. Raises StoreError, also
    for what goes wrong in the block: `missing` where there is no store.
    """
    try:
        if not path.exists():
            raise StoreError("missing", f"{path}: there is no store")
    except OSError as error:
        raise StoreError("denied", f"{path}: {error.strerror}") from error
    # SQLite does not say why it cannot. Not by opening it: the close would take its locks away.
    if not os.access(path, os.R_OK):
        raise StoreError("denied", f"{path}: this user may not read it")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.execute(_BEGIN)
            connection.execute(_NOW).get  # noqa: B018 - read, to begin
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_sqlite(f"reading {path}", error) from error


def records(connection: apsw.Connection, after: int = 0) -> Iterator[tuple[Stored, bool]]:
    """Every record with an id above `after`, by id, one at a time, and whether it is whole."""
    for row in connection.execute(_RECORDS_AFTER, (after,)):
        stored = Stored._make(row[:11])
        yield stored, is_whole(stored, row[11])


class Books:
    """The small tables without the rows that fail their crc; those are named."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.damaged: list[str] = []
        self._connection = connection

    def rows(self, table: Table) -> list[Row]:
        """Every row that is whole, by its key."""
        whole = []
        try:
            for columns in table.every(self._connection):
                if table.whole(columns):
                    whole.append(columns[:-1])
                else:
                    self.damaged.append(f"{table.name}: {ascii(columns)[:SHOWN_LIMIT]}")
        except UnicodeDecodeError as error:
            self.damaged.append(f"{table.name}: {error}")
        return whole

    def by_stream(self, table: Table, at: int = 0) -> dict[tuple[bytes, int, int], list[Row]]:
        """Every row that is whole; `at` is the column of the uid, before boot and stream."""
        found: dict[tuple[bytes, int, int], list[Row]] = {}
        for row in self.rows(table):
            found.setdefault((row[at], row[at + 1], row[at + 2]), []).append(row)
        return found
