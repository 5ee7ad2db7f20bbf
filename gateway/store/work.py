"""What is written beside the records: small things that ride with the next commit.

Each function makes a Work: called with the connection in an open transaction and the ledger, it gives
True if there is more of the same to do. Work may be called again after a rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store import settling
from gateway.store.small_rows import DELIVERED, SINK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import apsw

    from gateway.store.holds import Holds
    from gateway.store.ledger import Ledger

    Work = Callable[[apsw.Connection, Ledger], bool]

FORGET_ROWS = 1000  # of one commit, so that no commit waits long for old rows

_REMOVE = "DELETE FROM sink WHERE name = ?"
_OF_SINK = "WHERE name = ?"
_FORGET_UNCERTAIN = "DELETE FROM uncertain WHERE sink = ?"
_FORGET_RANGES = "DELETE FROM delivered WHERE sink = ?"
_DESCRIBE = """
INSERT INTO descriptor (hash, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"""
# The newest record stays: the next id is counted from it.
_ENDS = "SELECT (SELECT min(id) FROM record), (SELECT max(id) FROM record)"


def nothing(_connection: apsw.Connection, _ledger: Ledger) -> bool:
    """For the sake of the commit: room is made in each."""
    return False


def register_sink(name: str) -> Work:
    """The sink has a cursor from now on; a new one starts before everything."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        SINK.add(connection, [(name, 0)])
        return False

    return work


def remove_sink(name: str) -> Work:
    """Nothing is kept for the sink any more."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        connection.execute(_REMOVE, (name,))
        connection.execute(_FORGET_RANGES, (name,))
        connection.execute(_FORGET_UNCERTAIN, (name,))
        return False

    return work


def move_cursor(sink: str, position: int, ranges: Sequence[tuple[int, int]]) -> Work:
    """Everything up to this id is delivered, and so are the ranges above it, both ends included.

    The cursor never goes back, and never past what is stored: a record to come must not count as
    delivered.
    """

    def work(connection: apsw.Connection, ledger: Ledger) -> bool:
        row = SINK.row(connection, _OF_SINK, sink)
        if row is None:
            return False
        last_id = ledger.last_id
        SINK.put(connection, [(sink, max(row[1], min(position, last_id)))])
        connection.execute(_FORGET_RANGES, (sink,))
        DELIVERED.put(
            connection, [(sink, first, min(last, last_id)) for first, last in ranges if first <= last_id]
        )
        return False

    return work


def put_descriptor(hash8: bytes, body: bytes) -> Work:
    """Keep a descriptor under its hash."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        connection.execute(_DESCRIBE, (hash8, body))
        return False

    return work


def rewind(sink: str, position: int) -> Work:
    """Everything above this id is to be delivered again."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        row = SINK.row(connection, _OF_SINK, sink)
        if row is not None:
            SINK.put(connection, [(sink, min(row[1], position))])
            connection.execute(_FORGET_RANGES, (sink,))
        return False

    return work


def forget_delivered(connection: apsw.Connection, ledger: Ledger, holds: Holds) -> bool:
    """Delete up to FORGET_ROWS records that every sink has delivered and does not hold."""
    first, last = forgettable(connection, holds)
    if first is None or last is None or last < first:
        return False
    upto = min(last, first + FORGET_ROWS - 1)
    settling.forget_upto(connection, ledger, upto)
    return upto < last


def forgettable(connection: apsw.Connection, holds: Holds) -> tuple[int | None, int | None]:
    """The ids of the first record and of the last one that every sink has delivered and does not hold.

    The last is None without a record or a sink, and below the first when there is nothing to forget.
    """
    first, newest = connection.execute(_ENDS).get
    last = holds.forgettable(SINK.rows(connection))
    return first, (min(newest - 1, last) if last is not None and newest is not None else None)
