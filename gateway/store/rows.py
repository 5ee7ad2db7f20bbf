"""Rows of the store as values. Tuples: one is made for every record that arrives."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32


class Arrival(NamedTuple):
    """A record as it came. `kind` is the wire type; `message` the CBOR array, never changed."""

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
    """An Arrival with its place in the store."""

    id: int
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


def check_of(uid: bytes, boot: int, stream: int, seq: int, message: bytes) -> int:
    """CRC-32 over a record's identity and message."""
    return crc32(message, crc32(b"%b/%d/%d/%d" % (uid, boot, stream, seq)))
