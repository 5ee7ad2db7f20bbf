"""Records that every sink has delivered go, and what each stream is settled up to is kept.

A stream is contiguous by construction, so what is missing of it when its records go was lost here:
it is named before they pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.store import intervals, losses, removals, stretches
from gateway.store.errors import StoreError
from gateway.store.inspection import name_hole
from gateway.store.records import RECORD_COLUMNS, Stored, whole_rows
from gateway.store.small_rows import STREAM
from gateway.store.stretches import Kind
from wire import up

if TYPE_CHECKING:
    import apsw

    from gateway.store.ledger import Ledger, Stream

_GROUPS = """
SELECT CAST(uid AS BLOB), boot, stream, min(seq), max(next_seq), sum(next_seq - seq)
FROM record WHERE id <= ? GROUP BY uid, boot, stream"""
_ROWS = f"""
SELECT {RECORD_COLUMNS} FROM record WHERE id <= ? AND uid = ? AND boot = ? AND stream = ?"""  # noqa: S608 - a constant
_FORGET = "DELETE FROM record WHERE id <= ?"


class _Group(NamedTuple):
    """What goes of one stream: from seq on, up to next_seq, and how wide its rows are together."""

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    width: int


def forget_upto(connection: apsw.Connection, ledger: Ledger, upto: int) -> None:
    """Delete the records up to this id: every sink is done with them."""
    groups = [_Group._make(row) for row in connection.execute(_GROUPS, (upto,)).fetchall()]
    for group in groups:
        _settle(connection, ledger, group, upto)
    connection.execute(_FORGET, (upto,))
    removals.forget_upto(connection, upto)


def _settle(connection: apsw.Connection, ledger: Ledger, group: _Group, upto: int) -> None:
    key = group[:3]
    stream = ledger.stream(*key)
    in_order = stream is not None and group.seq == stream.settled_seq and group.next_seq <= stream.next_seq
    if (
        stream is not None
        and in_order
        and group.width == group.next_seq - group.seq
        and not stretches.exist(connection, key)
    ):
        STREAM.put(connection, [stream._replace(settled_seq=group.next_seq)])
        return
    rows = whole_rows(connection.execute(_ROWS, (upto, *key)).fetchall())
    if stream is not None:
        settle(connection, ledger, stream, [row for row in rows if row.kind != up.Gap.TYPE])
    elif rows:
        raise StoreError("corrupt", f"record {rows[0].id} is of a stream without a row")


def settle(connection: apsw.Connection, ledger: Ledger, stream: Stream, rows: list[Stored]) -> None:
    """These records of the stream go, delivered. What is missing below them is named."""
    key = stream[:3]
    going = intervals.merged(row[3:5] for row in rows)
    parts = stretches.of_stream(connection, key)
    top = max([stream.settled_seq, *(following for _first, following in going)])
    named = losses.spans(losses.of_stream(connection, key, (stream.settled_seq, stream.next_seq)))
    gone = intervals.merged(going, parts[Kind.SETTLED])
    still = intervals.minus(intervals.merged(parts[Kind.WANTED], parts[Kind.LATE]), going)
    holes = intervals.minus([(stream.settled_seq, top)], intervals.merged(gone, still, named))
    for hole in holes:
        before = next((row for row in rows if row.next_seq == hole[0]), None)
        behind = next((row for row in rows if row.seq == hole[1]), None)
        name_hole(connection, ledger, stream, hole, (before, behind))
    passed = intervals.merged(gone, named, holes)
    settled_seq = stream.settled_seq
    if passed and passed[0][0] <= settled_seq:
        settled_seq = max(settled_seq, passed[0][1])
    STREAM.put(connection, [stream._replace(settled_seq=settled_seq)])
    below = [(stream.first_seq, settled_seq)]
    parts = {
        Kind.WANTED: intervals.minus(parts[Kind.WANTED], going),
        Kind.LATE: intervals.minus(parts[Kind.LATE], going),
        Kind.SETTLED: intervals.minus(gone, intervals.merged(below, named)),
    }
    stretches.keep(connection, key, parts)
