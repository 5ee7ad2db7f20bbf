"""The node's records in RAM until the gateway has them on disk.

When the limit or the heap's end is reached the oldest records make room, and a GAP stands there:
bulk first, then readings, never events. A stream is therefore at most one gap, then records.

A GAP may replace a record that was sent already and whose ACK is still on its way. The gateway
takes one thing per seq, whichever came first, and answers the other as a repeat; its ACK then
trims the gap here. So every seq ends once in the store: as its record, or named by a gap.
"""

from firmware.pages import LENGTH_OCTETS, Pages, Pool
from firmware.record import times_of
from wire.cbor import Encoder
from wire.compat import const
from wire.up_node import Gap

EVENTS = const(0)
READINGS = const(1)
BULK = const(2)
DROP_ORDER = (BULK, READINGS)
GAP_OCTETS = const(64)  # of an encoded GAP: eight members, at most 53
REASON = "queue_full"


class QueueFull(Exception):
    """Events alone fill the queue; they are never dropped, so the new one has no room."""


class RamQueue:
    """Encoded BLOCKs of this boot by (boot, stream, seq), `limit_octets` of them and a page a stream.

    `has_room()` says whether the heap may give another page (firmware.pages); when it may not,
    the queue stays as large as it is.
    """

    def __init__(self, boot: int, limit_octets: int, has_room=lambda: True) -> None:
        self.boot = boot
        self.octets = 0  # of records and the lengths before them
        self.dropped = 0  # records that made room for newer ones
        self._limit = limit_octets
        self._event_octets = 0  # of stream 0 alone
        self._pool = Pool(has_room)
        self._streams = {READINGS: _Stream(self._pool)}
        self._encoder = Encoder(GAP_OCTETS)

    def next_seq(self, stream: int) -> int:
        """The seq of the next record of `stream`."""
        held = self._streams.get(stream)
        return held.next_seq if held else 0

    def append(self, stream: int, seq: int, record: bytes) -> None:
        """Take an encoded BLOCK; older records may become a GAP. `seq` is the stream's next.

        Raises QueueFull for an event that other events leave no room for.
        """
        if seq != self.next_seq(stream):
            raise ValueError("seq " + str(seq) + " is not the next of stream " + str(stream))
        octets = len(record) + LENGTH_OCTETS
        if stream == EVENTS and self._event_octets + octets > self._limit:
            raise QueueFull("events fill the queue's " + str(self._limit) + " octets")
        while self.octets + octets > self._limit and self._drop_one(stream):
            pass
        fits = self.octets + octets <= self._limit
        while fits and not self._stream(stream).records.append(record):
            fits = self._drop_one(stream)
        if fits:
            self.octets += octets
            if stream == EVENTS:
                self._event_octets += octets
        elif stream == EVENTS:
            raise QueueFull("no memory for an event")
        else:
            self._stream(stream).lose(record)
            self.dropped += 1

    def get(self, boot: int, stream: int, seq: int) -> "tuple[bytes, int] | None":
        """The record at `seq` and the seq after it; within a gap, what is left of the gap."""
        held = self._streams.get(stream)
        if boot != self.boot or held is None or not held.first_seq <= seq < held.next_seq:
            return None
        if seq >= held.record_seq:
            return held.records.get(seq - held.record_seq), seq + 1
        gap = Gap(boot, stream, seq, held.record_seq, REASON, held.t_first, held.t_last - held.t_first)
        return gap.encode(self._encoder), held.record_seq

    def free(self, boot: int, stream: int, next_seq: int) -> int:
        """Forget everything below `next_seq`; give how many seqs that were, gaps included."""
        held = self._streams.get(stream)
        if boot != self.boot or held is None:
            return 0
        before = held.first_seq
        while held.record_seq < next_seq and len(held.records):
            octets = held.forget_oldest() + LENGTH_OCTETS
            self.octets -= octets
            if stream == EVENTS:
                self._event_octets -= octets
        # What is left of a trimmed gap keeps its times: they may say too much, never too little.
        held.first_seq = min(max(held.first_seq, next_seq), held.record_seq)
        return held.first_seq - before

    def held(self) -> "list[list[int]]":
        """[boot, stream, first_seq, next_seq] of every stream in use, the most urgent first."""
        return [
            [self.boot, stream, self._streams[stream].first_seq, self._streams[stream].next_seq]
            for stream in sorted(self._streams)
        ]

    def _stream(self, stream: int) -> "_Stream":
        if stream not in self._streams:
            self._streams[stream] = _Stream(self._pool)
        return self._streams[stream]

    def _drop_one(self, newcomer: int) -> bool:
        for stream in DROP_ORDER:
            held = self._streams.get(stream)
            if held and len(held.records):
                self.octets -= held.drop_oldest() + LENGTH_OCTETS
                self.dropped += 1
                return True
            if stream == newcomer:
                break  # bulk does not displace readings
        return False


class _Stream:
    """One stream: a gap from `first_seq` to `record_seq` (none where they are equal), records."""

    def __init__(self, pool: Pool) -> None:
        self.first_seq = 0
        self.record_seq = 0  # of records[0]
        self.records = Pages(pool)
        self.t_first = 0  # of the oldest record in the gap
        self.t_last = 0  # of the newest

    @property
    def next_seq(self) -> int:
        return self.record_seq + len(self.records)

    def drop_oldest(self) -> int:
        self._widen_gap(self.records.get(0))
        return self.forget_oldest()

    def lose(self, record: bytes) -> None:
        # Only where no record is left: the gap ends where the records begin.
        self._widen_gap(record)
        self.record_seq += 1

    def _widen_gap(self, record: bytes) -> None:
        t_first, span = times_of(record)
        if self.first_seq == self.record_seq:
            self.t_first = t_first
            self.t_last = 0
        # Two groups share a stream, so an earlier record may end later.
        self.t_first = min(self.t_first, t_first)
        self.t_last = max(self.t_last, t_first + span)

    def forget_oldest(self) -> int:
        self.record_seq += 1
        return self.records.forget()
