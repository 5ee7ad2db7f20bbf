"""What salvage does to the store, in transactions of the writer: each class here is a Work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store import inspection, intervals, losses, stretches
from gateway.store.ledger import Stream
from gateway.store.records import ADD_RECORD, Arrival, checksum
from gateway.store.settling import settle
from gateway.store.small_rows import STREAM, STRETCH
from gateway.store.stretches import Kind
from wire import up

if TYPE_CHECKING:
    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key, Ledger
    from gateway.store.records import Stored

_FOUND_NOWHERE = {losses.DAMAGED, losses.LOST}
_DELETE = "DELETE FROM salvage"


class Unclaimed:
    """Records of a stream that the damaged store's table of streams does not prove."""

    def __init__(self, latest: Stored) -> None:
        self.latest = latest
        self.spans: list[Interval] = []

    def add(self, record: Stored) -> None:
        """One more."""
        self.spans = intervals.merged(self.spans, [record[3:5]])
        if record.seq >= self.latest.seq:
            self.latest = record


class Taking:
    """Puts some records into the store, where it lacks them; others may be `unclaimed`.

    Ids up to `delivered` of the damaged store were delivered to every sink.
    """

    def __init__(self, records: list[Stored], delivered: int, unclaimed: dict[Key, Unclaimed]) -> None:
        self.count = 0
        self._records = records
        self._delivered = delivered
        self._unclaimed = unclaimed

    def __call__(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Take them."""
        self.count = 0
        by_stream: dict[Key, list[Stored]] = {}
        for record in self._records:
            by_stream.setdefault(record[:3], []).append(record)
        for key, records in by_stream.items():
            self._take(connection, ledger, key, records)
        return False

    def _take(self, connection: apsw.Connection, ledger: Ledger, key: Key, records: list[Stored]) -> None:
        parts = stretches.of_stream(connection, key)
        stream = ledger.stream(*key)
        before = wanted = parts[Kind.WANTED]
        lost = [] if stream is None else self._lost(connection, stream)
        found = False
        for record in records:
            span = record[3:5]
            delivered = record.id <= self._delivered
            if record.kind == up.Gap.TYPE:
                if not delivered:
                    self._add(connection, ledger, record)
            elif not intervals.minus([span], wanted):
                wanted = intervals.minus(wanted, [span])
                kind = Kind.SETTLED if delivered else Kind.LATE
                parts[kind] = intervals.merged(parts[kind], [span])
                if not delivered:
                    self._add(connection, ledger, record)
            elif not delivered and not intervals.minus([span], lost):
                found = True
                lost = intervals.minus(lost, [span])
                losses.found(connection, key, span)
                parts[Kind.LATE] = intervals.merged(parts[Kind.LATE], [span])
                self._add(connection, ledger, record)
            elif not delivered and (stream is None or record.seq < stream.first_seq):
                self._unclaimed.setdefault(key, Unclaimed(record)).add(record)
        if found or wanted != before:
            stretches.keep(connection, key, {**parts, Kind.WANTED: wanted})

    @staticmethod
    def _lost(connection: apsw.Connection, stream: Stream) -> list[Interval]:
        """What was named because nobody found it. What was dropped on purpose stays where it is."""
        named = losses.of_stream(connection, stream[:3], (stream.first_seq, stream.next_seq))
        return losses.spans([each for each in named if each.reason in _FOUND_NOWHERE])

    def _add(self, connection: apsw.Connection, ledger: Ledger, record: Stored) -> None:
        id_ = ledger.take_id()
        arrival = Arrival._make(record[:-1])
        connection.execute(ADD_RECORD, (*arrival, checksum(arrival, id_), id_))
        self.count += 1


class Claim:
    """Makes streams of what was unclaimed, and wants all of it."""

    def __init__(self, unclaimed: dict[Key, Unclaimed]) -> None:
        self._unclaimed = unclaimed

    def __call__(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Where a stream has begun anew meanwhile, it now begins where its records do."""
        for key, found in self._unclaimed.items():
            first, following = found.spans[0][0], found.spans[-1][1]
            latest = found.latest
            stream = ledger.stream(*key)
            if stream is None:
                moment = (latest.host_boot, latest.arrived_ns)
                stream = Stream(*key, following, following, following, latest.descriptor, *moment, *moment)
            if first < stream.first_seq:
                parts = stretches.of_stream(connection, key)
                settled = [(stream.first_seq, stream.settled_seq)]
                parts[Kind.WANTED] = intervals.merged(parts[Kind.WANTED], [(first, stream.first_seq)])
                parts[Kind.SETTLED] = intervals.merged(parts[Kind.SETTLED], settled)
                stretches.keep(connection, key, parts)
                STREAM.put(connection, [stream._replace(first_seq=first, settled_seq=first)])
        return False


class Finish:
    """Names what was found nowhere: nothing is wanted any more."""

    def __init__(self) -> None:
        self.missing = 0

    def __call__(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Name it."""
        for key in {row[:3] for row in STRETCH.rows(connection)}:
            parts = stretches.of_stream(connection, key)
            stretches.keep(connection, key, {**parts, Kind.WANTED: []})
        self.missing = sum(hole.next_seq - hole.seq for hole in inspection.find_holes(connection))
        inspection.name_holes(connection, ledger)
        for key in {row[:3] for row in STRETCH.rows(connection)}:
            stream = ledger.stream(*key)
            if stream is not None:
                settle(connection, ledger, stream, [])
        connection.execute(_DELETE)
        return False
