"""What consumers behind a sink's broker have on their own disks: the table `consumer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.store import losses
from gateway.store.small_rows import CONSUMER, STREAM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import apsw

    from gateway.store.ledger import Key, Ledger
    from gateway.store.work import Work

NO_STREAM: Key = (b"", 0, 0)  # of a consumer that has said its epoch and nothing else

_OF_SINK = "WHERE sink = ? ORDER BY name"
_FORGET = "DELETE FROM consumer WHERE sink = ? AND name = ?"
# The casts make nothing odd of a row that is damaged.
_PASSING = """
SELECT id, CAST(uid AS BLOB), CAST(boot AS INTEGER), CAST(stream AS INTEGER), CAST(next_seq AS INTEGER),
    length(message), CAST(host_boot AS INTEGER), CAST(arrived_ns AS INTEGER)
FROM record WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"""


class Kept(NamedTuple):
    """What the last run knew of one consumer: up to which seq it has each stream."""

    epoch: str
    next_seqs: dict[Key, int]


class Extent(NamedTuple):
    """Of one stream: the first seq ever, the next to come, and below which nothing is kept any more."""

    first_seq: int
    next_seq: int
    settled_seq: int


class Passing(NamedTuple):
    """A stored record, without what it says."""

    id: int
    uid: bytes
    boot: int
    stream: int
    next_seq: int
    octets: int
    host_boot: int
    arrived_ns: int

    @property
    def key(self) -> Key:
        """Of its stream."""
        return self.uid, self.boot, self.stream


def kept(connection: apsw.Connection, sink: str) -> dict[str, Kept]:
    """The sink's consumers by name."""
    found: dict[str, Kept] = {}
    for _sink, name, uid, boot, stream, next_seq, epoch in CONSUMER.rows(connection, _OF_SINK, sink):
        consumer = found.setdefault(name, Kept(epoch, {}))
        if (uid, boot, stream) != NO_STREAM:
            consumer.next_seqs[uid, boot, stream] = next_seq
    return found


def extents(connection: apsw.Connection) -> dict[Key, Extent]:
    """Of every stream that was ever stored."""
    return {row[:3]: Extent(*row[3:6]) for row in STREAM.rows(connection)}


def passing(connection: apsw.Connection, after: int, upto: int, limit: int) -> list[Passing]:
    """Up to `limit` records with ids above `after`, up to and with `upto`, by id."""
    return [Passing._make(row) for row in connection.execute(_PASSING, (after, upto, limit)).fetchall()]


def keep(sink: str, name: str, epoch: str, changed: Mapping[Key, int], *, whole: bool) -> Work:
    """Keep what changed. `whole`: it is all there is of this consumer."""
    rows = [(sink, name, *key, next_seq, epoch) for key, next_seq in changed.items()]
    rows.append((sink, name, *NO_STREAM, 0, epoch))

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        if whole:
            connection.execute(_FORGET, (sink, name))
        CONSUMER.put(connection, rows)
        return False

    return work


def keep_only(sink: str, names: Collection[str]) -> Work:
    """Forget consumers that are not among these."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        for name in kept(connection, sink).keys() - set(names):
            connection.execute(_FORGET, (sink, name))
        return False

    return work


def name_forgotten(wanted: Mapping[Key, int]) -> Work:
    """Name what of these streams, from the seq on, is not kept any more."""

    def work(connection: apsw.Connection, ledger: Ledger) -> bool:
        for key, from_seq in wanted.items():
            stream = ledger.stream(*key)
            if stream is not None and from_seq < stream.settled_seq:
                losses.name_loss(
                    connection,
                    ledger,
                    uid=stream.uid,
                    boot=stream.boot,
                    stream=stream.stream,
                    seq=from_seq,
                    next_seq=stream.settled_seq,
                    reason=losses.FORGOTTEN,
                    t_first=losses.NO_TIME[0],
                    span=losses.NO_TIME[1],
                    descriptor=stream.descriptor,
                    host_boot=stream.last_host_boot,
                    arrived_ns=stream.last_arrived_ns,
                )
        return False

    return work
