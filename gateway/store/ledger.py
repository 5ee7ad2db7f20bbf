"""Which seq of every stream comes next: the duplicate check, kept with the records."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from gateway.store.errors import StoreError
from gateway.store.records import checksum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from gateway.store.records import Arrival

    _Key = tuple[bytes, int, int]  # uid, boot, stream

STREAMS_CACHED = 4096

_LAST_ID = (
    "SELECT max(coalesce((SELECT max(id) FROM record), 0), coalesce((SELECT max(cursor) FROM sink), 0))"
)
_NEXT_SEQ = "SELECT next_seq FROM stream WHERE uid = ? AND boot = ? AND stream = ?"
_ADD_RECORD = """
INSERT INTO record (uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot, arrived_ns,
    crc, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_MOVE_STREAM = """
INSERT INTO stream (uid, boot, stream, first_seq, next_seq, descriptor,
    first_host_boot, first_arrived_ns, last_host_boot, last_arrived_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq, descriptor = excluded.descriptor,
    last_host_boot = excluded.last_host_boot, last_arrived_ns = excluded.last_arrived_ns"""


class Ledger:
    """Puts records into an open transaction. Knows what is committed, so there is one per database."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._next_seqs: dict[_Key, int] = {}
        self._last_id: int | None = None

    def add(self, arrivals: Sequence[Arrival]) -> None:
        """Store the records and the next_seq of their streams; on any error call `reset` then.

        Raises StoreError `sequence` when one is not the next of its stream. Only the first record
        ever of a stream may have any seq.
        """
        last_id = self._newest_id() if self._last_id is None else self._last_id
        next_seqs = self._next_seqs
        first: dict[_Key, Arrival] = {}
        last: dict[_Key, Arrival] = {}
        rows = []
        try:
            for arrival in arrivals:
                key = arrival[:3]
                seq = arrival[3]
                next_seq = arrival[4]
                expected = next_seqs.get(key)
                if expected is None:
                    expected = self._stored_next_seq(key, seq)
                if seq != expected or next_seq <= seq:
                    raise _out_of_sequence(arrival, expected)
                next_seqs[key] = next_seq
                first.setdefault(key, arrival)
                last[key] = arrival
                last_id += 1
                rows.append((*arrival, checksum(arrival), last_id))
        except (struct.error, TypeError, OverflowError) as error:
            raise StoreError("sequence", f"a record that cannot be stored: {error}") from error
        self._connection.executemany(_ADD_RECORD, rows)
        self._connection.executemany(_MOVE_STREAM, [_moved(first[key], last[key]) for key in first])
        self._last_id = last_id
        if len(next_seqs) > STREAMS_CACHED:
            next_seqs.clear()

    def reset(self) -> None:
        """The transaction was rolled back: what is stored decides again."""
        self._next_seqs.clear()
        self._last_id = None

    def _newest_id(self) -> int:
        return int(self._connection.execute(_LAST_ID).get)

    def _stored_next_seq(self, key: _Key, first_seq: int) -> int:
        stored = self._connection.execute(_NEXT_SEQ, key).get
        return first_seq if stored is None else int(stored)


def _moved(first: Arrival, last: Arrival) -> tuple[bytes | int, ...]:
    return (
        *first[:4],
        last.next_seq,
        last.descriptor,
        first.host_boot,
        first.arrived_ns,
        last.host_boot,
        last.arrived_ns,
    )


def _out_of_sequence(arrival: Arrival, expected: int) -> StoreError:
    return StoreError(
        "sequence",
        f"node {arrival.uid.hex()}, boot {arrival.boot}, stream {arrival.stream}: "
        f"records {arrival.seq} to {arrival.next_seq - 1} came where {expected} was next",
    )
