"""What is written beside the records: small things that ride with the next commit.

Each function makes a Work: called with the connection in an open transaction, it gives True if
there is more of the same to do. Work may be called again after a rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    Work = Callable[[apsw.Connection], bool]

FORGET_ROWS = 1000  # of one commit, so that no commit waits long for old rows

_REGISTER = "INSERT INTO sink (name, cursor) VALUES (?, 0) ON CONFLICT DO NOTHING"
_REMOVE = "DELETE FROM sink WHERE name = ?"
# Never back, and never past what is stored: a record to come must not count as delivered.
_MOVE = """
UPDATE sink SET cursor = max(cursor, min(?, coalesce((SELECT max(id) FROM record), 0))) WHERE name = ?"""
_DESCRIBE = "INSERT INTO descriptor (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING"
# The newest record stays: the next id is counted from it.
_FORGETTABLE = """
SELECT (SELECT min(id) FROM record),
       min((SELECT min(cursor) FROM sink), (SELECT max(id) FROM record) - 1)"""
_FORGET = "DELETE FROM record WHERE id <= ?"


def statement(sql: str, *values: bytes | str | int | None) -> Work:
    """One statement."""

    def work(connection: apsw.Connection) -> bool:
        connection.execute(sql, values)
        return False

    return work


def register_sink(name: str) -> Work:
    """The sink has a cursor from now on; a new one starts before everything."""
    return statement(_REGISTER, name)


def remove_sink(name: str) -> Work:
    """Nothing is kept for the sink any more."""
    return statement(_REMOVE, name)


def move_cursor(sink: str, id_: int) -> Work:
    """Everything up to this id is delivered."""
    return statement(_MOVE, id_, sink)


def put_descriptor(hash8: bytes, body: bytes) -> Work:
    """Keep a descriptor under its hash."""
    return statement(_DESCRIBE, hash8, body)


def forget_delivered(connection: apsw.Connection) -> bool:
    """Delete up to FORGET_ROWS records that every sink has delivered."""
    first, last = forgettable(connection)
    if first is None or last is None or last < first:
        return False
    upto = min(last, first + FORGET_ROWS - 1)
    connection.execute(_FORGET, (upto,))
    return upto < last


def forgettable(connection: apsw.Connection) -> tuple[int | None, int | None]:
    """The ids of the first record and of the last one that every sink has delivered.

    The last is None without a record or a sink, and below the first when there is nothing to forget.
    """
    first, last = connection.execute(_FORGETTABLE).get
    return first, last
