"""A record on its way into the store, and out of it."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

_NUMBERS = Struct("<7q").pack


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


def checksum(record: Arrival | Stored) -> int:
    """CRC-32 over all fields but the id.

    Raises struct.error or TypeError for what cannot be stored: a number beyond 64 bits, a text where
    octets belong.
    """
    uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot, arrived_ns = record[:10]
    numbers = _NUMBERS(boot, stream, seq, next_seq, kind, host_boot, arrived_ns)
    return crc32(message, crc32(numbers, crc32(uid + descriptor)))
