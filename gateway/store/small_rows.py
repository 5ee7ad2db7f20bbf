"""The tables beside `record`: every row of theirs carries a check of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from gateway.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

Row = tuple[Any, ...]


def row_crc(table: str, row: Row) -> int:
    """CRC-32 over the table's name and all columns but `crc`, in their order."""
    return crc32(ascii((table, *row)).encode("ascii"))


class Table:
    """A table whose last column is `crc`. A row here is a tuple of the other columns, in their order."""

    def __init__(self, name: str, columns: str) -> None:
        self.name = name
        self.columns = tuple(columns.split())
        listed = ", ".join(self.columns)
        places = ", ".join("?" * (len(self.columns) + 1))
        # Names and columns are constants of this module.
        self._put = f"INSERT OR REPLACE INTO {name} ({listed}, crc) VALUES ({places})"  # noqa: S608
        self._add = f"INSERT OR IGNORE INTO {name} ({listed}, crc) VALUES ({places})"  # noqa: S608
        self._select = f"SELECT {listed}, crc FROM {name} "  # noqa: S608

    def put(self, connection: apsw.Connection, rows: Iterable[Row]) -> None:
        """Insert the rows, in place of those with their keys."""
        connection.executemany(self._put, self._checked(rows))

    def add(self, connection: apsw.Connection, rows: Iterable[Row]) -> None:
        """Insert the rows whose keys are not there yet."""
        connection.executemany(self._add, self._checked(rows))

    def rows(self, connection: apsw.Connection, where: str = "", *values: bytes | str | int) -> list[Row]:
        """The rows, all of them or those that `where`, a constant, selects and orders.

        Raises StoreError `corrupt` when one of them fails its crc. Fetched whole: a read transaction
        left open would hold up every checkpoint.
        """
        try:
            rows = connection.execute(self._select + where, values).fetchall()
        except UnicodeDecodeError as error:
            raise StoreError("corrupt", f"table {self.name}: {error}") from error
        found = []
        for *columns, crc in rows:
            row = tuple(columns)
            if row_crc(self.name, row) != crc:
                raise StoreError("corrupt", f"table {self.name}: a row fails its crc: {ascii(row)[:200]}")
            found.append(row)
        return found

    def row(self, connection: apsw.Connection, where: str, *values: bytes | str | int) -> Row | None:
        """The only row that `where` selects, or the first; None if there is none."""
        found = self.rows(connection, where, *values)
        return found[0] if found else None

    def every(self, connection: apsw.Connection) -> Iterator[Row]:
        """All columns with `crc` of every row, whole or not."""
        yield from connection.execute(self._select)

    def whole(self, columns: Row) -> bool:
        """Whether these columns, with `crc`, are a row of this table as it was written."""
        return len(columns) == len(self.columns) + 1 and row_crc(self.name, columns[:-1]) == columns[-1]

    def _checked(self, rows: Iterable[Row]) -> list[Row]:
        return [(*row, row_crc(self.name, row)) for row in rows]


STREAM = Table(
    "stream",
    "uid boot stream first_seq next_seq settled_seq descriptor"
    " first_host_boot first_arrived_ns last_host_boot last_arrived_ns",
)
DAY = Table("day", "uid boot stream day first_seq")
LOSS = Table("loss", "uid boot stream seq next_seq reason")
STRETCH = Table("stretch", "uid boot stream seq next_seq state")
REMOVED = Table("removed", "bucket count")
SALVAGE = Table("salvage", "folder cursor")
SINK = Table("sink", "name cursor")
DELIVERED = Table("delivered", "sink first_id last_id")
DEAD_LETTER = Table(
    "dead_letter",
    "id sink record uid boot stream seq next_seq kind message descriptor host_boot arrived_ns"
    " reason_code reason realtime_ns",
)
UNCERTAIN = Table("uncertain", "sink id state uncertainty_ns")
CONSUMER = Table("consumer", "sink name uid boot stream next_seq epoch")
EXCHANGE = Table("exchange", "uid boot host_boot t1_ns t2_us t3_us t4_ns")
HOST_BOOT = Table(
    "host_boot",
    "number boot_id seen_ns realtime_ns offset_ns uncertainty_ns first_sync_ns last_sync_ns machine pieces",
)
WRITTEN = Table("written", "day octets")

TABLES = (
    STREAM,
    DAY,
    LOSS,
    STRETCH,
    REMOVED,
    SALVAGE,
    SINK,
    DELIVERED,
    DEAD_LETTER,
    UNCERTAIN,
    CONSUMER,
    EXCHANGE,
    HOST_BOOT,
    WRITTEN,
)

OF_STREAM = "WHERE uid = ? AND boot = ? AND stream = ?"
