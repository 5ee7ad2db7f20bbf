"""What is lost and named: GAP records, which are delivered like data, and the table `loss`.

The gateway's own reasons are words that docs/integrator.md explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway import fast_decode
from gateway.store import intervals
from gateway.store.records import ADD_RECORD, Arrival, Stored, checksum
from gateway.store.small_rows import LOSS, OF_STREAM
from wire import cbor, up
from wire.errors import WireError

if TYPE_CHECKING:
    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key, Ledger

DROPPED = "dropped_by_gateway"  # to keep the store's quota
DAMAGED = "damaged_at_gateway"  # the medium gave back something else than was written
LOST = "lost_by_gateway"  # the node has freed them, and this disk does not have them (gateway/line.py)
FORGOTTEN = "forgotten_by_gateway"  # a consumer wants what is no longer kept
DISCARDED = "discarded_by_operator"  # a broker refuses them for good, and somebody gave them up
UNREADABLE = "unreadable_gap"  # a node's GAP that cannot be decoded: its range is all that is known

NO_TIME = (0, 0)  # t_first and span of a loss of which nobody knows when it was sampled

LOSSES_LIMIT = 65_536  # rows; beyond, those of the boots longest silent go
LOSSES_DROPPED = 1024  # at a time

_TOUCHING = f"{OF_STREAM} AND seq <= ? AND next_seq >= ? ORDER BY seq"
_DELETE = "DELETE FROM loss WHERE uid = ? AND boot = ? AND stream = ? AND seq = ?"
_COUNT = "SELECT count(*) FROM loss"
_DROP_OLDEST = """
DELETE FROM loss WHERE (uid, boot, stream, seq) IN
    (SELECT uid, boot, stream, seq FROM loss JOIN stream USING (uid, boot, stream)
    WHERE loss.next_seq <= settled_seq
    ORDER BY last_host_boot, last_arrived_ns, seq LIMIT ?)"""


class NamedLoss(NamedTuple):
    """The seqs `seq` to `next_seq - 1` of a stream are lost."""

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    reason: str


def name_loss(
    connection: apsw.Connection,
    ledger: Ledger,
    *,
    uid: bytes,
    boot: int,
    stream: int,
    seq: int,
    next_seq: int,
    reason: str,
    t_first: int,
    span: int,
    descriptor: bytes,
    host_boot: int,
    arrived_ns: int,
) -> int:
    """Put a GAP for these seqs among the records and into `loss`. Gives its record id.

    Called in an open transaction of the writer. It is appended: no sink has read past it. `t_first` and
    `span` are microseconds of the node's clock, as in a node's own GAP: all that is lost was sampled
    between them, or they are NO_TIME. The last three say from which record on, or whereabouts, the loss
    was met.
    """
    message = up.Gap(boot, stream, seq, next_seq, reason, t_first, span).encode(cbor.Encoder(256))
    arrival = Arrival(
        uid, boot, stream, seq, next_seq, up.Gap.TYPE, message, descriptor, host_boot, arrived_ns
    )
    place = ledger.take_id()
    connection.execute(ADD_RECORD, (*arrival, checksum(arrival, place), place))
    enter(connection, NamedLoss(uid, boot, stream, seq, next_seq, reason))
    return place


def enter(connection: apsw.Connection, loss: NamedLoss) -> None:
    """Enter a loss; what of it is named already keeps its first reason."""
    key = loss[:3]
    touching = [NamedLoss._make(row) for row in _touching(connection, loss)]
    unnamed = intervals.minus([(loss.seq, loss.next_seq)], [each[3:5] for each in touching])
    alike = [each[3:5] for each in touching if each.reason == loss.reason]
    connection.executemany(_DELETE, [(*key, seq) for seq, _next_seq in alike])
    LOSS.put(connection, [(*key, *each, loss.reason) for each in intervals.merged(unnamed, alike)])


def found(connection: apsw.Connection, key: Key, span: Interval) -> None:
    """What was named as lost is there after all, imported or salvaged: name it no more."""
    for each in of_stream(connection, key, span):
        connection.execute(_DELETE, each[:4])
        for left in intervals.minus([each[3:5]], [span]):
            LOSS.put(connection, [(*key, *left, each.reason)])


def of_stream(connection: apsw.Connection, key: Key, span: Interval) -> list[NamedLoss]:
    """The losses of a stream that reach into the span, by seq."""
    where = f"{OF_STREAM} AND seq < ? AND next_seq > ? ORDER BY seq"
    return [NamedLoss._make(row) for row in LOSS.rows(connection, where, *key, span[1], span[0])]


def spans(losses: list[NamedLoss]) -> list[Interval]:
    """Their seqs."""
    return [(each.seq, each.next_seq) for each in losses]


def of_gap(arrival: Arrival) -> NamedLoss:
    """What a node's GAP record says."""
    try:
        message = fast_decode.decode(arrival.message)
        reason = message.reason if isinstance(message, up.Gap) else UNREADABLE
    except WireError:
        reason = UNREADABLE
    return NamedLoss(*arrival[:5], reason)


def times_of(record: Stored) -> tuple[int, int]:
    """When a record's readings begin and end, in microseconds of its node's clock."""
    try:
        message = fast_decode.decode(record.message)
    except WireError:
        return 0, 0
    if not isinstance(message, up.Block | up.Gap):
        return 0, 0
    return message.t_first, message.t_first + message.span


def drop_surplus(connection: apsw.Connection, _ledger: Ledger) -> bool:
    """Forget the oldest of more than LOSSES_LIMIT, of those that no record depends on."""
    surplus = connection.execute(_COUNT).get - LOSSES_LIMIT
    if surplus > 0:
        connection.execute(_DROP_OLDEST, (max(surplus, LOSSES_DROPPED),))
    return False


def _touching(connection: apsw.Connection, loss: NamedLoss) -> list[tuple[object, ...]]:
    return LOSS.rows(connection, _TOUCHING, *loss[:3], loss.next_seq, loss.seq)
