"""What an archive brings to one stream, and what the stream still lacks then."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway import fast_decode
from gateway.store import intervals, losses, stretches
from gateway.store.ledger import Stream
from gateway.store.seq_ranges import SeqRanges
from gateway.store.small_rows import DAY, STREAM
from gateway.store.stretches import Kind
from wire import up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key, Ledger
    from gateway.store.losses import NamedLoss
    from gateway.store.records import Arrival

NOT_IN_IMPORT = "not_in_import"  # a later archive may have it


class _Hole(NamedTuple):
    """Seqs that were jumped over, when that was in microseconds of the node's clock, and what followed."""

    seq: int
    next_seq: int
    t_first: int
    span: int
    after: Arrival


class ImportStream:
    """One stream in the open transaction of an import."""

    def __init__(self, connection: apsw.Connection, ledger: Ledger, key: Key) -> None:
        self._connection = connection
        self._ledger = ledger
        self._key = key
        self._before = ledger.stream(*key)
        self._parts = stretches.of_stream(connection, key)
        self._there = SeqRanges(self._present())  # readings, whether they are delivered or not
        self._taken = SeqRanges()
        self._late = SeqRanges()
        self._next = 0 if self._before is None else self._before.next_seq
        self._lowest: Arrival | None = None  # of what was taken
        self._forward: Arrival | None = None  # the first of what the stream goes on with
        self._last: Arrival | None = None
        self._holes: list[_Hole] = []

    def takes(self, reading: Arrival) -> bool:
        """Whether this reading is missing. If so, it must be stored now."""
        if reading.seq in self._there:
            return False
        self._there.add(reading.seq, reading.next_seq)
        self._taken.add(reading.seq, reading.next_seq)
        if reading.seq < self._next:
            self._late.add(reading.seq, reading.next_seq)
        self._notice(reading)
        return True

    def lacks(self, gap: Arrival, coming: Iterable[Interval]) -> list[Interval]:
        """What of this GAP is neither there nor named. `coming`: the readings of the archive.

        The parts must be named now. A reason takes the place of NOT_IN_IMPORT.
        """
        span = (gap.seq, gap.next_seq)
        known = losses.of_stream(self._connection, self._key, span)
        named = [each for each in known if each.reason != NOT_IN_IMPORT or _reason(gap) == NOT_IN_IMPORT]
        lacked = intervals.minus([span], intervals.merged(self._there, coming, losses.spans(named)))
        for each in lacked:
            losses.found(self._connection, self._key, each)
        if lacked:
            self._notice(gap)
        return lacked

    def finish(self, told: Iterable[NamedLoss], day: int) -> tuple[int, int]:
        """Write what is known of the stream now. Gives how many seqs were found, and named as lost.

        What it lacks is named: by a loss of the archive that covers it (`told`), or as NOT_IN_IMPORT.
        """
        if self._lowest is None:
            return 0, 0
        after = self._after(self._lowest)
        STREAM.put(self._connection, [after])
        if self._forward is not None:
            DAY.add(self._connection, [(*self._key, day, self._forward.seq)])
        whole = (after.first_seq, after.next_seq)
        lost = losses.spans(losses.of_stream(self._connection, self._key, whole))
        for each in self._taken:
            losses.found(self._connection, self._key, each)
        left = intervals.minus(lost, self._taken)
        wanted = intervals.minus(self._parts[Kind.WANTED], self._taken)
        lacking = intervals.minus([whole], intervals.merged(self._there, left, wanted))
        for reason, each in _named(lacking, told):
            self._name(reason, each)
        parts = {
            Kind.WANTED: wanted,
            Kind.LATE: intervals.merged(self._parts[Kind.LATE], self._late),
            Kind.SETTLED: intervals.minus(self._parts[Kind.SETTLED], self._taken),
        }
        if parts != self._parts:
            stretches.keep(self._connection, self._key, parts)
        return intervals.size(lost) - intervals.size(left), intervals.size(lacking)

    def _present(self) -> list[Interval]:
        if self._before is None:
            return []
        whole = (self._before.first_seq, self._before.next_seq)
        lost = losses.spans(losses.of_stream(self._connection, self._key, whole))
        return intervals.minus([whole], intervals.merged(lost, self._parts[Kind.WANTED]))

    def _notice(self, arrival: Arrival) -> None:
        if self._lowest is None or arrival.seq < self._lowest.seq:
            self._lowest = arrival
        known = self._before is not None or self._last is not None
        if known and arrival.next_seq <= self._next:
            return
        if known and arrival.seq > self._next:
            self._holes.append(self._hole(arrival))
        if self._forward is None:
            self._forward = arrival
        self._next = arrival.next_seq
        self._last = arrival

    def _hole(self, after: Arrival) -> _Hole:
        until_us = _times(after)[0]
        since_us = until_us if self._last is None else min(_times(self._last)[1], until_us)
        return _Hole(self._next, after.seq, since_us, until_us - since_us, after)

    def _after(self, lowest: Arrival) -> Stream:
        """The stream's row, with what was taken."""
        before = self._before
        if before is None:
            seqs = (lowest.seq, self._next, lowest.seq)
            before = Stream(*self._key, *seqs, lowest.descriptor, *lowest[8:10], *lowest[8:10])
        elif lowest.seq < before.first_seq:
            nothing_settled = before.settled_seq == before.first_seq
            settled_seq = lowest.seq if nothing_settled else before.settled_seq
            before = before._replace(first_seq=lowest.seq, settled_seq=settled_seq)
        if self._last is None:
            return before
        return before._replace(
            next_seq=self._next,
            descriptor=self._last.descriptor,
            last_host_boot=self._last.host_boot,
            last_arrived_ns=self._last.arrived_ns,
        )

    def _name(self, reason: str, span: Interval) -> None:
        assert self._lowest is not None
        hole = _Hole(*span, *losses.NO_TIME, self._last or self._lowest)
        for each in self._holes:
            if each.seq <= span[0] and span[1] <= each.next_seq:
                hole = each
        losses.name_loss(
            self._connection,
            self._ledger,
            uid=self._key[0],
            boot=self._key[1],
            stream=self._key[2],
            seq=span[0],
            next_seq=span[1],
            reason=reason,
            t_first=hole.t_first,
            span=hole.span,
            descriptor=hole.after.descriptor,
            host_boot=hole.after.host_boot,
            arrived_ns=hole.after.arrived_ns,
        )


def _named(lacking: list[Interval], told: Iterable[NamedLoss]) -> Iterator[tuple[str, Interval]]:
    """The parts of what is lacking, each with its reason."""
    for loss in told:
        left = intervals.minus(lacking, [(loss.seq, loss.next_seq)])
        for part in intervals.minus(lacking, left):
            yield loss.reason, part
        lacking = left
    for part in lacking:
        yield NOT_IN_IMPORT, part


def _reason(gap: Arrival) -> str:
    return losses.of_gap(gap).reason


def _times(arrival: Arrival) -> tuple[int, int]:
    """When its first scan was and its last, in microseconds of the node's clock."""
    message = fast_decode.decode(arrival.message)
    assert isinstance(message, (up.Block, up.Gap))  # the archive was checked
    return message.t_first, message.t_first + message.span
