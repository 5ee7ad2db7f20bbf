"""The node's records until the gateway has them on disk: in RAM, and behind that in flash.

As long as the gateway is there this is all of the queue. What is done when it is not, or when RAM
fills, is in firmware.spill, which is imported then. A stream is therefore what flash has of it
(firmware.flash_queue), then at most one gap, then records in RAM.

A GAP may replace a record that was sent already and whose ACK is still on its way. The gateway
takes one thing per seq, whichever came first, and answers the other as a repeat; its ACK then
trims the gap here. So every seq ends once in the store: as its record, or named by a gap.
"""

from firmware.pages import LENGTH_OCTETS, Pages, Pool
from wire.compat import const

EVENTS = const(0)
READINGS = const(1)
BULK = const(2)
LOOKS_OFFLINE = const(6)  # half a minute
WEAR_PER_ERASE = const(20)  # twentieths: a commit of LittleFS to its directory is about one
FILLING_OCTETS = const(8192)  # in RAM, from which on firmware.spill is in charge: while there is room for it


class QueueFull(Exception):
    """Events alone fill the queue; they are never dropped, so the new one has no room."""


class RamQueue:
    """Encoded BLOCKs by (boot, stream, seq), `limit_octets` of them in RAM and a page a stream.

    `has_room()` says whether the heap may give another page (firmware.pages). `place` is where flash may
    be used: (directory, limit in octets, the descriptor's hash), or None.
    """

    def __init__(self, boot: int, limit_octets: int, has_room=lambda: True, place=None) -> None:
        self.boot = boot
        self.octets = 0  # of records in RAM and the lengths before them
        self.limit_octets = limit_octets
        self.place = place
        self.dropped = 0  # records that made room for newer ones
        self.flash_octets = 0  # written since the start
        self.flash_wear = 0  # the same in units of WEAR_PER_ERASE, as firmware.flash_queue counts it
        self.flash_fault = 0  # errno of why nothing goes there (firmware.spill), 0 where all is well
        self.flash = None  # firmware.flash_queue.FlashQueue, while something is there
        self.streams = {}
        self._pool = Pool(has_room)
        self._spill = None
        self._freed = False  # since the last look
        self._quiet = 0  # looks in a row without an ACK
        self.stream(READINGS)

    def next_seq(self, stream: int) -> int:
        """The seq of the next record of `stream`."""
        held = self.streams.get(stream)
        return held.next_seq if held else 0

    def append(self, stream: int, seq: int, record: bytes) -> None:
        """Take an encoded BLOCK; older records may go to flash or become a GAP. `seq` is the stream's next.

        Raises QueueFull for an event that other events leave no room for.
        """
        if seq != self.next_seq(stream):
            raise ValueError("seq " + str(seq) + " is not the next of stream " + str(stream))
        calm = self._spill is None and self.octets < FILLING_OCTETS
        if not calm or not self.put(self.stream(stream), record):
            self.spill().append(stream, record)

    def get(self, boot: int, stream: int, seq: int) -> "tuple[bytes, int] | None":
        """The record at `seq` and the seq after it; within a gap, what is left of the gap."""
        held = self.streams.get(stream)
        if boot != self.boot or held is None or not held.first_seq <= seq < held.next_seq:
            return self.flash.get(boot, stream, seq) if self.flash else None
        if seq < held.record_seq:
            return self.spill().gap(boot, stream, seq, held.record_seq, held), held.record_seq
        return held.records.get(seq - held.record_seq), seq + 1

    def free(self, boot: int, stream: int, next_seq: int) -> int:
        """Forget everything below `next_seq`; give how many seqs that were, gaps included."""
        freed = self.flash.free(boot, stream, next_seq) if self.flash else 0
        held = self.streams.get(stream)
        if boot == self.boot and held is not None:
            before = held.first_seq
            while held.record_seq < next_seq and len(held.records):
                self.octets -= held.forget_oldest()
            # What is left of a trimmed gap keeps its times: they may say too much, never too little.
            held.first_seq = min(max(held.first_seq, next_seq), held.record_seq)
            freed += held.first_seq - before
        if freed:
            self._freed = True
        return freed

    def held(self) -> "list[list[int]]":
        """[boot, stream, first_seq, next_seq] of every stream in use, the most urgent first.

        Of one stream this boot's comes first, then what flash has of earlier boots, the oldest first.
        """
        found = []
        for stream in sorted(self.streams):
            held = self.streams[stream]
            found.append([self.boot, stream, held.first_seq, held.next_seq])
        return self.flash.join(found) if self.flash else found

    def descs(self) -> list:
        """[boot, descriptor's hash] of each earlier boot whose records refer to another than this one's."""
        return self.flash.descs() if self.flash else []

    def look(self) -> None:
        """To be called every five seconds: is anybody there, is flash needed?"""
        waits = self.octets or (self.flash and not self.flash.empty)
        self._quiet = 0 if self._freed or not waits else self._quiet + 1
        self._freed = False
        offline = self._quiet >= LOOKS_OFFLINE
        if (offline or self._spill) and not self.spill().look(offline):
            self._spill = None

    def spill(self):
        """The part for hard times (firmware.spill.Spill)."""
        if self._spill is None:
            from firmware.spill import Spill  # noqa: PLC0415 - it takes octets of the heap

            self._spill = Spill(self)
        return self._spill

    def stream(self, stream: int) -> "Stream":
        """The stream's part in RAM."""
        if stream not in self.streams:
            self.streams[stream] = Stream(self._pool)
        return self.streams[stream]

    def put(self, held: "Stream", record: bytes) -> bool:
        """Append it in RAM; False, and nothing done, where that has no room."""
        octets = len(record) + LENGTH_OCTETS
        if self.octets + octets > self.limit_octets or not held.records.append(record):
            return False
        held.octets += octets
        self.octets += octets
        return True


class Stream:
    """One stream in RAM: a gap from `first_seq` to `record_seq` (none where they are equal), records."""

    def __init__(self, pool: Pool) -> None:
        self.first_seq = 0
        self.record_seq = 0  # of records[0]
        self.records = Pages(pool)
        self.octets = 0  # of the records and the lengths before them
        self.t_first = 0  # of the oldest record in the gap
        self.t_last = 0  # of the newest

    @property
    def next_seq(self) -> int:
        """The seq after the newest record."""
        return self.record_seq + len(self.records)

    def forget_oldest(self) -> int:
        """Remove the oldest record; give the octets that became free."""
        octets = self.records.forget() + LENGTH_OCTETS
        self.record_seq += 1
        self.octets -= octets
        return octets
