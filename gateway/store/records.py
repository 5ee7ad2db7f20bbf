"""A record on its way into the store, and out of it."""

from __future__ import annotations

from struct import Struct, error
from typing import Any, NamedTuple
from zlib import crc32

_NUMBERS = Struct("<8q").pack

MESSAGE_LIMIT = 2048  # octets; the wire's is 1024. A row lies in one page, so salvage needs no chain

# All of a row, in the order of Stored, and its crc. The casts make no copy of what has its type, and
# nothing odd of a row that lost it.
RECORD_COLUMNS = """CAST(uid AS BLOB), CAST(boot AS INTEGER), CAST(stream AS INTEGER), CAST(seq AS INTEGER),
    CAST(next_seq AS INTEGER), CAST(kind AS INTEGER), CAST(message AS BLOB), CAST(descriptor AS BLOB),
    CAST(host_boot AS INTEGER), CAST(arrived_ns AS INTEGER), id, CAST(crc AS INTEGER)"""


# One row: an Arrival, its crc and its id.
ADD_RECORD = """
INSERT INTO record (uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot, arrived_ns,
    crc, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class Arrival(NamedTuple):
    """A BLOCK or GAP as it came. A tuple: one is made for each, and bound to SQL as it is.

    The record stands for the seqs `seq` to `next_seq - 1` of (uid, boot, stream). `kind` is the
    wire type, `message` the CBOR array as it came, `descriptor` the hash of the node's descriptor,
    `arrived_ns` is CLOCK_BOOTTIME in the boot of the host with the number `host_boot`.
    """

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    kind: int
    message: bytes
    descriptor: bytes
    host_boot: int
    arrived_ns: int


class Stored(NamedTuple):
    """An Arrival that is on disk. Ids ascend in the order of arrival and are never used twice."""

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    kind: int
    message: bytes
    descriptor: bytes
    host_boot: int
    arrived_ns: int
    id: int


class KnownNode(NamedTuple):
    """A node that is or was heard. A moment is (host boot, CLOCK_BOOTTIME in ns)."""

    uid: bytes
    boots: int
    latest_boot: int
    first_arrival: tuple[int, int]
    last_arrival: tuple[int, int]


def checksum(record: Arrival | Stored, id_: int) -> int:
    """CRC-32 over all fields of the row with this id.

    Raises struct.error or TypeError for what cannot be stored: a number beyond 64 bits, a text where
    octets belong.
    """
    uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot, arrived_ns = record[:10]
    numbers = _NUMBERS(id_, boot, stream, seq, next_seq, kind, host_boot, arrived_ns)
    return crc32(message, crc32(numbers, crc32(uid + descriptor)))


def is_whole(record: Stored, crc: int) -> bool:
    """Whether the row is as it was written."""
    try:
        return checksum(record, record.id) == crc
    except (error, TypeError):  # a value is missing
        return False


def whole_rows(rows: list[Any]) -> list[Stored]:
    """Those of the rows, read with RECORD_COLUMNS, that are as they were written."""
    return [record for *fields, crc in rows if is_whole(record := Stored._make(fields), crc)]
