"""The account of every seq that a node was ever acknowledged: stored, delivered, or in a named gap.

It reads the file beside an agent or without one, in one transaction: one moment of the store. It
believes no row that fails its crc.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gateway.store import intervals
from gateway.store.ledger import Stream
from gateway.store.losses import DISCARDED
from gateway.store.small_rows import DAY, DEAD_LETTER, DELIVERED, LOSS, SINK, STREAM, STRETCH
from gateway.store.snapshot import Books, snapshot
from gateway.store.stretches import Kind
from gateway.store.tally import Progress, Selection, Tally, tallies
from wire import up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gateway.store.intervals import Interval
    from gateway.store.small_rows import Row
    from gateway.store.tally import Key

RECORD_ONLY = "gap_record"  # the reason of a gap that is told by its record and not in `loss`


class Gap(NamedTuple):
    """The seqs `seq` to `next_seq - 1` are lost, and why is known."""

    seq: int
    next_seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccount:
    """Of one (node, boot, stream), or of the part of it that was asked for.

    Every seq from `first_seq` to `next_seq - 1` is in just one of `stored` (a reading, on disk now),
    `settled` (delivered to every sink, and deleted), `gaps` and `unaccounted`. By sink: `delivered`
    counts readings, but none that any sink has given up, `waiting` records, of which those of gaps are
    some, and `dead_letters` what its broker refuses for good. `wanted` is the part of `unaccounted` that
    salvage still looks for; `outside` is on disk though the stream has no such seqs.
    """

    uid: bytes
    boot: int
    stream: int
    first_seq: int
    next_seq: int
    stored: int
    settled: int
    gaps: tuple[Gap, ...] = ()
    unaccounted: tuple[Interval, ...] = ()
    wanted: tuple[Interval, ...] = ()
    outside: tuple[Interval, ...] = ()
    delivered: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """How many seqs are in named gaps."""
        return sum(gap.next_seq - gap.seq for gap in self.gaps)

    @property
    def holds(self) -> bool:
        """Whether every seq is accounted for."""
        return not self.unaccounted and not self.outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Of a store. What fails its crc: `damaged_records` by id, and `damaged_rows` of the small tables."""

    streams: tuple[StreamAccount, ...]
    sinks: tuple[str, ...]
    damaged_records: tuple[int, ...] = ()
    damaged_rows: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every seq of every stream is accounted for, by rows that are whole."""
        return not self.damaged_rows and all(stream.holds for stream in self.streams)


def account(path: Path, *, node: bytes | None = None, day: int | None = None) -> Account:
    """The account of a store's file, or of one node in it, or of what came in one day of UTC.

    `day` counts from 1970. It is the day on which the gateway stored a record; -1 stands for all days
    on which nobody vouched for its clock. Raises StoreError where the file cannot be read. The crc of
    every record is checked, for that is less than half of what reading them takes.
    """
    with snapshot(path) as connection:
        books = Books(connection)
        progress = Progress(books.rows(SINK), books.rows(DELIVERED))
        selection = Selection(node, day, books.rows(DAY))
        found, damaged = tallies(connection, progress, selection)
        return Account(
            streams=tuple(_accounts(books, found, selection, progress)),
            sinks=progress.sinks,
            damaged_records=tuple(damaged),
            damaged_rows=tuple(books.damaged),
        )


class _Rows(NamedTuple):
    """All that the store has of one stream."""

    stream: Stream
    tally: Tally
    losses: list[Gap]
    stretches: dict[Kind, list[Interval]]
    dead_letters: dict[str, int]
    refused: dict[str, int]  # readings that the sink is done with, and that are dead letters: not delivered


def _accounts(
    books: Books, found: dict[Key, Tally], selection: Selection, progress: Progress
) -> Iterator[StreamAccount]:
    streams = {stream[:3]: stream for stream in map(Stream._make, books.rows(STREAM))}
    losses, stretches = books.by_stream(LOSS), books.by_stream(STRETCH)
    dead_letters = books.by_stream(DEAD_LETTER, at=3)
    for key in sorted(streams.keys() | found.keys()):
        window = selection.window(key)
        if window is None:
            continue
        # Of records whose stream is not in its table, all are outside.
        stream = streams.get(key) or Stream(*key, 0, 0, 0, b"", 0, 0, 0, 0)
        dead = [row for row in dead_letters.get(key, ()) if window[0] <= row[6] < window[1]]
        refused = [row for row in dead if row[8] == up.Block.TYPE and progress.passed(row[2]).get(row[1])]
        rows = _Rows(
            stream,
            found.get(key) or Tally(),
            [Gap(*row[3:]) for row in losses.get(key, ())],
            {kind: [row[3:5] for row in stretches.get(key, ()) if row[5] == kind] for kind in Kind},
            _by_sink(dead, progress),
            _by_sink(refused, progress),
        )
        yield _account(rows, max(stream.first_seq, window[0]), min(stream.next_seq, window[1]))


def _by_sink(letters: list[Row], progress: Progress) -> dict[str, int]:
    counts = Counter(row[1] for row in letters)
    return {sink: counts[sink] for sink in progress.sinks}


def _account(rows: _Rows, first: int, following: int) -> StreamAccount:
    stream, tally, dead_letters = rows.stream, rows.tally, rows.dead_letters
    seqs = [(first, following)]
    gaps = list(_gaps(rows, first, following))
    absent = intervals.minus(seqs, tally.readings)
    left = intervals.minus(absent, [gap[:2] for gap in gaps])
    looked_for = intervals.merged(rows.stretches[Kind.WANTED], rows.stretches[Kind.LATE])
    below = [(stream.first_seq, stream.settled_seq)]
    gone = intervals.minus(intervals.merged(below, rows.stretches[Kind.SETTLED]), looked_for)
    settled = intervals.size(_both(left, gone))
    unaccounted = intervals.minus(left, gone)
    # On disk for the sake of others, or not deleted yet; passed by a sink that never delivered it.
    discarded = [gap[:2] for gap in rows.losses if gap.reason == DISCARDED]
    given_up = intervals.size(_both(list(tally.readings), discarded))
    return StreamAccount(
        uid=stream.uid,
        boot=stream.boot,
        stream=stream.stream,
        first_seq=first,
        next_seq=max(first, following),
        stored=intervals.size(_both(seqs, tally.readings)),
        settled=settled,
        gaps=tuple(gaps),
        unaccounted=tuple(unaccounted),
        wanted=tuple(_both(unaccounted, rows.stretches[Kind.WANTED])),
        outside=tuple(intervals.minus(tally.readings, [(stream.first_seq, stream.next_seq)])),
        delivered={
            sink: max(0, settled + tally.delivered.get(sink, 0) - refused - given_up)
            for sink, refused in rows.refused.items()
        },
        waiting={sink: tally.waiting.get(sink, 0) for sink in dead_letters},
        dead_letters=dead_letters,
    )


def _gaps(rows: _Rows, first: int, following: int) -> Iterator[Gap]:
    """What is named as lost, and is not there after all."""
    named = [gap[:2] for gap in rows.losses]
    told = [Gap(*each, RECORD_ONLY) for each in intervals.minus(rows.tally.gaps, named)]
    told += rows.losses
    contested = _both(list(rows.tally.readings), [gap[:2] for gap in told])  # in nearly all stores nothing
    for gap in sorted(told):
        if gap.seq < following and gap.next_seq > first:
            part = (max(gap.seq, first), min(gap.next_seq, following))
            yield from (Gap(*each, gap.reason) for each in intervals.minus([part], contested))


def _both(these: list[Interval], those: Iterable[Interval]) -> list[Interval]:
    """What is in both."""
    return intervals.minus(these, intervals.minus(these, those))
