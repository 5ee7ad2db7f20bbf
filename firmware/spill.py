"""The queue in hard times: nobody acknowledges, or RAM fills. What goes to flash, what makes room.

Imported when it is needed and let go afterwards. Records go to flash in batches of one block, the oldest
first; events at once while nobody is there. Where flash has no room either, the oldest bulk goes,
then the oldest readings, never an event, and a GAP stands there.
"""

import errno
import sys

from firmware.pages import LENGTH_OCTETS
from firmware.queue import BULK, EVENTS, FILLING_OCTETS, READINGS, QueueFull
from firmware.record import times_of
from wire.cbor import Encoder
from wire.compat import const
from wire.message import GAP

DROP_ORDER = (BULK, READINGS)
LOOKS_PAUSE = const(12)  # a minute, after flash was full or failed: each try is a write
SEGMENT_OCTETS = const(4096)  # a block of LittleFS, which is one erase
_SUM_OCTETS = const(4)  # what a record takes more there than here
GAP_OCTETS = const(64)  # of an encoded GAP: eight members, at most 56
QUEUE_FULL = "queue_full"
MODULES = ("firmware.spill", "firmware.flash_queue", "firmware.shelf", "firmware.segment", "firmware.record")


class Spill:
    """Works on `queue` (firmware.queue.RamQueue).

    Its `flash_fault` becomes ENOSPC where nothing may make room in flash, ENOMEM where the heap has none,
    or what the file system said.
    """

    def __init__(self, queue) -> None:
        self.queue = queue
        self.pause = 0  # looks until flash is tried again
        self._offline = False
        self._encoder = Encoder(GAP_OCTETS)

    def look(self, offline: bool) -> bool:
        """Whether anybody is there: decides about flash; False when this part can be let go."""
        queue = self.queue
        self.pause = max(0, self.pause - 1)
        if offline and not self._offline:
            self._save(EVENTS, EVENTS)
        self._offline = offline
        if offline or queue.octets >= FILLING_OCTETS or (queue.flash and not queue.flash.empty):
            return True
        queue.flash = None
        queue.flash_fault = 0
        for name in MODULES:
            if sys.modules.pop(name, None):
                delattr(sys.modules["firmware"], name.split(".")[1])
        return False

    def append(self, stream: int, record: bytes) -> None:
        """As RamQueue.append."""
        queue = self.queue
        held = queue.stream(stream)
        alone = held.octets + len(record) + LENGTH_OCTETS > queue.limit_octets
        if stream == EVENTS and alone and not self._save(stream, stream):
            raise QueueFull("events fill the queue's " + str(queue.limit_octets) + " octets")
        while not queue.put(held, record):
            if not self._save_most(stream) and not self._drop_one(stream):
                self._lose(stream, held, record)
                return
        fills = held.octets + len(held.records) * _SUM_OCTETS >= SEGMENT_OCTETS
        if (self._offline or queue.octets >= FILLING_OCTETS) and (fills or stream == EVENTS):
            self._save(stream, stream)

    def save_all(self) -> None:
        """Move everything to flash, the most urgent first, as far as it has room."""
        for stream in sorted(self.queue.streams):
            while self._save(stream, stream):
                pass

    def gap(self, boot: int, stream: int, seq: int, next_seq: int, of, reason: str = QUEUE_FULL) -> bytes:
        """The octets of a GAP; `of` has its t_first and t_last."""
        encoder = self._encoder
        encoder.start()
        encoder.array(8)
        for number in (GAP, boot, stream, seq, next_seq):
            encoder.uint(number)
        encoder.text(reason)
        encoder.uint(of.t_first)
        encoder.uint(of.t_last - of.t_first)
        return encoder.take()

    def open_flash(self) -> bool:
        """Have `queue.flash`, for what is in it or is to come there; False when that cannot be."""
        queue = self.queue
        if queue.flash is None and queue.place and not self.pause:
            try:
                from firmware.flash_queue import FlashQueue  # noqa: PLC0415 - see above

                queue.flash = FlashQueue(queue.place, self)
            except (OSError, MemoryError) as error:
                self.fail(error)
        return queue.flash is not None

    def fail(self, error: "OSError | MemoryError") -> None:
        """Flash did not do what it should: let it be for a minute."""
        self.queue.flash_fault = error.errno if isinstance(error, OSError) else errno.ENOMEM
        self.pause = LOOKS_PAUSE

    def _save_most(self, newcomer: int) -> bool:
        streams = self.queue.streams
        return self._save(max(streams, key=lambda stream: streams[stream].octets), newcomer)

    def _save(self, stream: int, newcomer: int) -> bool:
        """Move a stream's oldest records to flash, as many as one block takes; False when none could be.

        It is done for `newcomer`: what that or the stream itself must not displace stays in flash.
        """
        queue = self.queue
        held = queue.streams.get(stream)
        if not held or not held.octets or self.pause or not self.open_flash():
            return False
        saved = queue.flash.append(stream, held, max(stream, newcomer))
        for _ in range(saved):
            queue.octets -= held.forget_oldest()
        if saved:
            held.first_seq = held.record_seq
        return saved > 0

    def _drop_one(self, newcomer: int) -> bool:
        queue = self.queue
        for stream in DROP_ORDER:
            held = queue.streams.get(stream)
            if held and len(held.records):
                _widen_gap(held, held.records.get(0))
                queue.octets -= held.forget_oldest()
                queue.dropped += 1
                return True
            if stream == newcomer:
                break  # bulk does not displace readings
        return False

    def _lose(self, stream: int, held, record: bytes) -> None:
        if stream == EVENTS:
            raise QueueFull("no memory for an event")
        # No record of the stream is left: the gap ends where the records begin.
        _widen_gap(held, record)
        held.record_seq += 1
        self.queue.dropped += 1


def _widen_gap(held, record: bytes) -> None:
    t_first, span = times_of(record)
    if held.first_seq == held.record_seq:
        held.t_first = t_first
        held.t_last = 0
    # Two groups share a stream, so an earlier record may end later.
    held.t_first = min(held.t_first, t_first)
    held.t_last = max(held.t_last, t_first + span)
