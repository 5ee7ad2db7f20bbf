"""What is committed, for the event loop: its own connection, which cannot write."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from gateway.store import time_rows, work
from gateway.store.errors import from_sqlite
from gateway.store.records import KnownNode, Stored, checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.host_boot import HostBootRecord
    from gateway.timeline import KeptExchange

BUSY_TIMEOUT_MS = 200  # readers of a WAL wait for nobody, except while another opens the file

_NEXT_SEQ = "SELECT next_seq FROM stream WHERE uid = ? AND boot = ? AND stream = ?"
_NEXT_SEQS = "SELECT boot, stream, next_seq FROM stream WHERE uid = ?"
# The casts make no copy of what has its type, and nothing odd of a row that lost it.
_RECORDS_AFTER = """
SELECT CAST(uid AS BLOB), CAST(boot AS INTEGER), CAST(stream AS INTEGER), CAST(seq AS INTEGER),
    CAST(next_seq AS INTEGER), CAST(kind AS INTEGER), CAST(message AS BLOB), CAST(descriptor AS BLOB),
    CAST(host_boot AS INTEGER), CAST(arrived_ns AS INTEGER), id, CAST(crc AS INTEGER)
FROM record WHERE id > ? ORDER BY id LIMIT ?"""
_FIRST_AND_LAST_ID = "SELECT (SELECT min(id) FROM record), (SELECT max(id) FROM record)"
_FREE_OCTETS = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
_DESCRIPTOR = "SELECT body FROM descriptor WHERE hash = ?"
_DESCRIPTOR_OF = """
SELECT descriptor FROM stream WHERE uid = ? AND boot = ?
ORDER BY last_host_boot DESC, last_arrived_ns DESC LIMIT 1"""
_SINKS = "SELECT name, cursor FROM sink ORDER BY name"
_STREAMS = """
SELECT uid, boot, first_host_boot, first_arrived_ns, last_host_boot, last_arrived_ns FROM stream
ORDER BY uid, boot"""


class Reader:
    """Reads committed rows. Every method may raise StoreError."""

    def __init__(self, path: Path, vfs: str = "") -> None:
        with _as_store_error(f"opening {path} to read"):
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs or None)
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def close(self) -> None:
        """Read no more."""
        self._connection.close()

    def next_seqs(self, uid: bytes) -> dict[tuple[int, int], int]:
        """By (boot, stream) of the node, the next seq that is not stored."""
        return {(boot, stream): next_seq for boot, stream, next_seq in self._rows(_NEXT_SEQS, uid)}

    def next_seq(self, uid: bytes, boot: int, stream: int) -> int | None:
        """The next seq of one stream that is not stored."""
        rows = self._rows(_NEXT_SEQ, uid, boot, stream)
        return rows[0][0] if rows else None

    def after(self, cursor: int, limit: int) -> tuple[list[Stored], list[Stored]]:
        """Up to `limit` whole records above the cursor, by id, and the damaged ones among them.

        No whole record means that there is none above the cursor.
        """
        whole: list[Stored] = []
        damaged: list[Stored] = []
        rows = self._rows(_RECORDS_AFTER, cursor, limit)
        while rows:
            for *fields, crc in rows:
                record = Stored._make(fields)
                (whole if _is_whole(record, crc) else damaged).append(record)
            if whole or len(rows) < limit:
                break
            rows = self._rows(_RECORDS_AFTER, damaged[-1].id, limit)
        return whole, damaged

    def first_and_last_id(self) -> tuple[int, int]:
        """Ids are consecutive between them; (1, 0) when nothing was ever stored."""
        ((first, last),) = self._rows(_FIRST_AND_LAST_ID)
        return (1, 0) if first is None else (first, last)

    def free_octets(self) -> int:
        """What can be written into the file before it grows."""
        return int(self._rows(_FREE_OCTETS)[0][0])

    def descriptor(self, hash8: bytes) -> bytes | None:
        """The descriptor with this hash."""
        rows = self._rows(_DESCRIPTOR, hash8)
        return rows[0][0] if rows else None

    def descriptor_hash_of(self, uid: bytes, boot: int) -> bytes | None:
        """The hash that came with the latest record of this boot of the node."""
        rows = self._rows(_DESCRIPTOR_OF, uid, boot)
        return rows[0][0] if rows else None

    def sinks(self) -> dict[str, int]:
        """The cursor of every sink that was registered and not removed, in whatever run."""
        return dict(self._rows(_SINKS))

    def forgettable(self) -> int:
        """How many records every sink has delivered, but for the newest record."""
        with _as_store_error("reading"):
            first, last = work.forgettable(self._connection)
        return 0 if first is None or last is None else max(0, last - first + 1)

    def nodes(self) -> list[KnownNode]:
        """Every node of which a record was ever stored, by uid."""
        nodes: dict[bytes, KnownNode] = {}
        for uid, boot, *moments in self._rows(_STREAMS):
            first, last = (moments[0], moments[1]), (moments[2], moments[3])
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


def _is_whole(record: Stored, crc: int) -> bool:
    try:
        return checksum(record) == crc
    except (struct.error, TypeError):  # a value is missing
        return False
