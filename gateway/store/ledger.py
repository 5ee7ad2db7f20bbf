"""Which seq of every stream comes next: the duplicate check, kept with the records."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from gateway.store import losses
from gateway.store.errors import StoreError
from gateway.store.records import (
    ADD_RECORD,
    MESSAGE_LIMIT,
    RECORD_COLUMNS,
    Arrival,
    Stored,
    checksum,
    is_whole,
)
from gateway.store.small_rows import DAY, DELIVERED, OF_STREAM, SINK, STREAM
from wire import up

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    Key = tuple[bytes, int, int]  # uid, boot, stream

STREAMS_CACHED = 4096
UNKNOWN_DAY = -1  # the kernel does not vouch for the wall clock

_NEWEST = f"SELECT {RECORD_COLUMNS} FROM record ORDER BY id DESC LIMIT 2"  # noqa: S608 - a constant


class Stream(NamedTuple):
    """One row of `stream`."""

    uid: bytes
    boot: int
    stream: int
    first_seq: int
    next_seq: int
    settled_seq: int
    descriptor: bytes
    first_host_boot: int
    first_arrived_ns: int
    last_host_boot: int
    last_arrived_ns: int


class Refused(NamedTuple):
    """Records of one stream that are not stored: the first for `error`, the others for following it."""

    arrivals: list[Arrival]
    error: StoreError


def no_day() -> int:
    """The day where nobody knows it."""
    return UNKNOWN_DAY


class Ledger:
    """Puts records into an open transaction. Knows which id is next, so there is one per database.

    `today` gives the day of UTC, or UNKNOWN_DAY; it is called once a commit, in the writer's thread.
    """

    def __init__(self, connection: apsw.Connection, today: Callable[[], int] = no_day) -> None:
        self._connection = connection
        self._today = today
        self._last_id: int | None = None
        self.committed_id = 0  # none on disk is above it; for any thread
        self._days: dict[Key, int] = {}

    def add(self, arrivals: list[Arrival]) -> tuple[list[Arrival], list[Refused]]:
        """Store the records and the next_seq of their streams; on any error call `reset` then.

        Gives those that are stored, and those that cannot be: one that is not the next of its stream
        (only the first ever of a stream may have any seq), one with a value beyond what a row holds,
        and the later ones of the same streams, because what follows a hole must not be stored.
        """
        last_id = self.last_id
        streams: dict[Key, Stream | None] = {}  # as they were before
        next_seqs: dict[Key, int] = {}
        first: dict[Key, Arrival] = {}
        last: dict[Key, Arrival] = {}
        refused: dict[Key, Refused] = {}
        gaps = []
        rows = []
        for arrival in arrivals:
            key = arrival[:3]
            if refused and key in refused:
                refused[key].arrivals.append(arrival)
                continue
            try:
                seq = arrival[3]
                expected = next_seqs.get(key)
                if expected is None:
                    stream = streams[key] = self.stream(*key)
                    expected = seq if stream is None else stream.next_seq
                if seq != expected or arrival[4] <= seq:
                    refused[key] = Refused([arrival], _out_of_sequence(arrival, expected))
                    continue
                if len(arrival[6]) > MESSAGE_LIMIT:
                    refused[key] = Refused([arrival], _unstorable(arrival, f"over {MESSAGE_LIMIT} octets"))
                    continue
                crc = checksum(arrival, last_id + 1)
            except (struct.error, TypeError, OverflowError) as error:
                refused[key] = Refused([arrival], _unstorable(arrival, str(error)))
                continue
            if key not in next_seqs:
                first[key] = arrival
            next_seqs[key] = arrival[4]
            last[key] = arrival
            last_id += 1
            rows.append((*arrival, crc, last_id))
            if arrival[5] == up.Gap.TYPE:
                gaps.append(arrival)
        self._connection.executemany(ADD_RECORD, rows)
        STREAM.put(self._connection, [_moved(streams[key], first[key], last[key]) for key in first])
        self._mark_day(first)
        for gap in gaps:
            losses.enter(self._connection, losses.of_gap(gap))
        self._last_id = last_id
        taken = [Arrival._make(row[:-2]) for row in rows] if refused else arrivals
        return taken, list(refused.values())

    def stream(self, uid: bytes, boot: int, stream: int) -> Stream | None:
        """The stream as it is in the open transaction."""
        row = STREAM.row(self._connection, OF_STREAM, uid, boot, stream)
        return None if row is None else Stream._make(row)

    def take_id(self) -> int:
        """The next record id, for a row that the caller inserts in the open transaction."""
        self._last_id = self.last_id + 1
        return self._last_id

    @property
    def last_id(self) -> int:
        """The highest id that was ever given to a record, as far as is known.

        Raises StoreError `corrupt` when the newest rows do not prove it.
        """
        if self._last_id is None:
            passed = [cursor for _name, cursor in SINK.rows(self._connection)]
            passed += [last for _sink, _first, last in DELIVERED.rows(self._connection)]
            self._last_id = max([self.committed_id, self._newest_id(), *passed])
        return self._last_id

    def committed(self) -> None:
        """What is put by now is on disk. Called once before anything is put, too."""
        self.committed_id = self.last_id

    def reset(self) -> None:
        """The transaction was rolled back: what is stored decides again."""
        self._last_id = None
        self._days.clear()

    def begin_anew(self, connection: apsw.Connection) -> None:
        """There is a new database. Ids go on where they were: sinks have some in their hands."""
        self._connection = connection
        self.reset()

    def _newest_id(self) -> int:
        newest = [(Stored._make(row[:-1]), row[-1]) for row in self._connection.execute(_NEWEST)]
        if not newest:
            return 0
        last, crc = newest[0]
        # Of a damaged row the id may be, too: the one before it tells.
        if is_whole(last, crc) or (len(newest) > 1 and newest[1][0].id == last.id - 1):
            return last.id
        raise StoreError("corrupt", f"the newest record, {last.id}, fails its crc, and so may its id")

    def _mark_day(self, first: dict[Key, Arrival]) -> None:
        day = self._today()
        news = [key for key in first if self._days.get(key) != day]
        DAY.add(self._connection, [(*key, day, first[key].seq) for key in news])
        if len(self._days) > STREAMS_CACHED:
            self._days.clear()
        self._days.update(dict.fromkeys(news, day))


def _moved(before: Stream | None, first: Arrival, last: Arrival) -> Stream:
    if before is None:
        before = Stream(*first[:4], first.seq, first.seq, first.descriptor, *first[8:10], *first[8:10])
    return before._replace(
        next_seq=last.next_seq,
        descriptor=last.descriptor,
        last_host_boot=last.host_boot,
        last_arrived_ns=last.arrived_ns,
    )


def _out_of_sequence(arrival: Arrival, expected: int) -> StoreError:
    return StoreError(
        "sequence",
        f"{_name(arrival)}: records {arrival.seq} to {arrival.next_seq - 1} came where {expected} was next",
    )


def _unstorable(arrival: Arrival, why: str) -> StoreError:
    return StoreError("unstorable", f"{_name(arrival)}: record {arrival.seq} cannot be stored: {why}")


def _name(arrival: Arrival) -> str:
    return f"node {arrival.uid.hex()}, boot {arrival.boot}, stream {arrival.stream}"
