"""Parts of a stream that are not in `record` in the order of their seqs: the table `stretch`."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from gateway.store import intervals
from gateway.store.small_rows import OF_STREAM, STRETCH

if TYPE_CHECKING:
    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key

_EXISTS = f"SELECT EXISTS (SELECT 1 FROM stretch {OF_STREAM})"  # noqa: S608 - a constant
_DELETE = f"DELETE FROM stretch {OF_STREAM}"  # noqa: S608 - a constant


class Kind(IntEnum):
    """What is known of a stretch."""

    WANTED = 1  # not here; salvage or an import may still find it
    LATE = 2  # here, with an id above those of later seqs
    SETTLED = 3  # gone, like all below the stream's settled_seq


def exist(connection: apsw.Connection, key: Key) -> bool:
    """Whether the stream has any."""
    return bool(connection.execute(_EXISTS, key).get)


def of_stream(connection: apsw.Connection, key: Key) -> dict[Kind, list[Interval]]:
    """The stream's stretches of every kind."""
    parts: dict[Kind, list[Interval]] = {kind: [] for kind in Kind}
    for row in STRETCH.rows(connection, f"{OF_STREAM} ORDER BY seq", *key):
        parts[Kind(row[5])].append((row[3], row[4]))
    return parts


def take_out(connection: apsw.Connection, key: Key, span: Interval) -> None:
    """The span is none of the stream's stretches any more: it is named as lost."""
    if exist(connection, key):
        parts = of_stream(connection, key)
        left = {kind: intervals.minus(some, [span]) for kind, some in parts.items()}
        if left != parts:
            keep(connection, key, left)


def keep(connection: apsw.Connection, key: Key, parts: dict[Kind, list[Interval]]) -> None:
    """Let these be the stream's stretches."""
    connection.execute(_DELETE, key)
    rows = [(*key, *each, int(kind)) for kind, some in parts.items() for each in some]
    STRETCH.put(connection, rows)
