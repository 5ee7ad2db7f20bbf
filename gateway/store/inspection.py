"""Is every stream all there? Each seq from settled_seq on, and each that came late, is a record, named or
wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.store import intervals, losses, stretches
from gateway.store.errors import StoreError
from gateway.store.ledger import Stream
from gateway.store.records import RECORD_COLUMNS, whole_rows
from gateway.store.small_rows import LOSS, STREAM, STRETCH
from gateway.store.stretches import Kind
from wire import up

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key, Ledger
    from gateway.store.records import Stored

_SEQS = """
SELECT CAST(uid AS BLOB), CAST(boot AS INTEGER), CAST(stream AS INTEGER), CAST(seq AS INTEGER),
    CAST(next_seq AS INTEGER), id
FROM record WHERE kind <> ? ORDER BY id"""
_RECORD = f"SELECT {RECORD_COLUMNS} FROM record WHERE id = ?"  # noqa: S608 - a constant


class Run(NamedTuple):
    """Records of a stream without a hole between them, from the id of the first to that of the last."""

    seq: int
    next_seq: int
    first_id: int
    last_id: int


class Hole(NamedTuple):
    """Seqs that are not there and not named; the ids of the records before and behind, 0 without one."""

    stream: Stream
    seq: int
    next_seq: int
    before: int
    behind: int


def find_holes(connection: apsw.Connection) -> list[Hole]:
    """All holes of all streams. Reads every record's seqs, and checks nothing else of the records.

    Raises StoreError `corrupt` for records of a stream that the table of streams does not have.
    """
    runs = _runs(connection.execute(_SEQS, (up.Gap.TYPE,)))
    named = _spans(LOSS.rows(connection))
    stretched = STRETCH.rows(connection)
    elsewhere = _spans(row for row in stretched if row[5] != Kind.LATE)
    late = _spans(row for row in stretched if row[5] == Kind.LATE)  # also below settled_seq
    holes = []
    for row in STREAM.rows(connection):
        stream = Stream._make(row)
        key = stream[:3]
        here = runs.pop(key, [])
        covered = intervals.merged((run[:2] for run in here), named.get(key, ()), elsewhere.get(key, ()))
        due = intervals.merged([(stream.settled_seq, stream.next_seq)], late.get(key, ()))
        for seq, next_seq in intervals.minus(due, covered):
            before = next((run.last_id for run in here if run.next_seq == seq), 0)
            behind = next((run.first_id for run in here if run.seq == next_seq), 0)
            holes.append(Hole(stream, seq, next_seq, before, behind))
    if runs:
        uid, boot, stream_number = next(iter(runs))
        unknown = f"node {uid.hex()}, boot {boot}, stream {stream_number}"
        raise StoreError("corrupt", f"records of a stream that is not in the table of streams: {unknown}")
    return holes


def name_holes(connection: apsw.Connection, ledger: Ledger) -> None:
    """Name every hole as a loss, in an open transaction."""
    for hole in find_holes(connection):
        neighbours = _record(connection, hole.before), _record(connection, hole.behind)
        name_hole(connection, ledger, hole.stream, (hole.seq, hole.next_seq), neighbours)


def name_hole(
    connection: apsw.Connection,
    ledger: Ledger,
    stream: Stream,
    hole: Interval,
    neighbours: tuple[Stored | None, Stored | None] = (None, None),
) -> None:
    """These seqs were in the store and are not there any more; the records before and behind, if known."""
    before, behind = neighbours
    near = behind or before
    begins = losses.times_of(before)[1] if before is not None else 0  # the node's boot
    ends = losses.times_of(behind)[0] if behind is not None else 0
    t_first, span = (begins, ends - begins) if ends > begins else losses.NO_TIME
    losses.name_loss(
        connection,
        ledger,
        uid=stream.uid,
        boot=stream.boot,
        stream=stream.stream,
        seq=hole[0],
        next_seq=hole[1],
        reason=losses.DAMAGED,
        t_first=t_first,
        span=span,
        descriptor=near.descriptor if near is not None else stream.descriptor,
        host_boot=near.host_boot if near is not None else stream.last_host_boot,
        arrived_ns=near.arrived_ns if near is not None else stream.last_arrived_ns,
    )
    stretches.take_out(connection, stream[:3], hole)


def _runs(rows: Iterable[Any]) -> dict[Key, list[Run]]:
    runs: dict[Key, list[Run]] = {}
    for uid, boot, stream, seq, next_seq, id_ in rows:
        some = runs.setdefault((uid, boot, stream), [])
        if some and some[-1].next_seq == seq:
            some[-1] = Run(some[-1].seq, next_seq, some[-1].first_id, id_)
        else:
            some.append(Run(seq, next_seq, id_, id_))
    return runs


def _spans(rows: Iterable[Any]) -> dict[Key, list[Interval]]:
    spans: dict[Key, list[Interval]] = {}
    for uid, boot, stream, seq, next_seq, *_ in rows:
        spans.setdefault((uid, boot, stream), []).append((seq, next_seq))
    return spans


def _record(connection: apsw.Connection, id_: int) -> Stored | None:
    found = whole_rows(connection.execute(_RECORD, (id_,)).fetchall())
    return found[0] if found else None
