"""What a node that sleeps keeps in RTC memory, as octets: its boot, its clock, its records.

RTC memory outlives deep sleep and every reset, but no loss of power; after that it may hold anything.
"""

import struct
from binascii import crc32

from wire.compat import const

BEFORE_OCTETS = const(16)  # the launcher's share: RTC_OCTETS of firmware.launch
_MAGIC = b"fs"
_VERSION = const(1)
# Magic, version, flags, wakes, boot, descriptor's hash, ticks, RTC, how long the sleep was to be, streams.
_HEAD = const(">2sBBHQ8sQQIB")
_HEAD_OCTETS = const(43)
_FLAGS_AT = const(19)  # behind the launcher's share, magic and version
_STREAM = const(">BIIQQH")  # its number, first_seq, record_seq, t_first, t_last, records
_STREAM_OCTETS = const(27)
_LENGTH = const(">H")  # before each record
_LENGTH_OCTETS = const(2)
_SUM_OCTETS = const(4)
_ASLEEP = const(1)  # nothing has run since this was kept
_UNHEARD = const(2)  # the latest contact did not come to its end
OVERHEAD_OCTETS = const(144)  # of all but the records and their lengths, where three streams are in use


class Kept:
    """One boot between two wakes. `wakes`: since the latest contact; `ticks_us` at `rtc_us` of the RTC."""

    def __init__(self, boot: int, desc: bytes, wakes: int, unheard: bool, streams: int = 0) -> None:
        self.asleep = True
        self.boot = boot
        self.desc = desc
        self.wakes = wakes
        self.unheard = unheard
        self.ticks_us = 0
        self.rtc_us = 0
        self.sleep_ms = 0
        self._streams = streams  # in the octets that it was read of

    def ticks_at(self, rtc_us: int) -> "int | None":
        """The ticks of this boot when the RTC shows this; None where somebody has set the RTC."""
        slept_us = rtc_us - self.rtc_us
        # Twice as long and a minute more: no oscillator is so wrong.
        if not 0 <= slept_us <= 2000 * self.sleep_ms + 60000000:
            return None
        return self.ticks_us + slept_us

    def octets(self, queue) -> bytearray:
        """All of it, with what `queue` (firmware.queue.RamQueue) has in RAM, behind the launcher's share."""
        size = BEFORE_OCTETS + _HEAD_OCTETS + len(queue.streams) * _STREAM_OCTETS + queue.octets + _SUM_OCTETS
        out = bytearray(size)  # at once: it is a large piece of the heap
        flags = (_ASLEEP if self.asleep else 0) | (_UNHEARD if self.unheard else 0)
        struct.pack_into(
            _HEAD,
            out,
            BEFORE_OCTETS,
            _MAGIC,
            _VERSION,
            flags,
            self.wakes,
            self.boot,
            self.desc,
            self.ticks_us,
            self.rtc_us,
            self.sleep_ms,
            len(queue.streams),
        )
        at = BEFORE_OCTETS + _HEAD_OCTETS
        for number in queue.streams:
            held = queue.streams[number]
            count = len(held.records)
            times = held.t_first, held.t_last
            struct.pack_into(_STREAM, out, at, number, held.first_seq, held.record_seq, *times, count)
            at += _STREAM_OCTETS
            for index in range(count):
                record = held.records.get(index)
                struct.pack_into(_LENGTH, out, at, len(record))
                at += _LENGTH_OCTETS
                out[at : at + len(record)] = record
                at += len(record)
        _seal(out)
        return out

    def give(self, queue, octets: bytes) -> None:
        """Put the records in `octets`, of which this was read, into the queue of their boot, which is new."""
        at = BEFORE_OCTETS + _HEAD_OCTETS
        for _ in range(self._streams):
            number, first_seq, record_seq, t_first, t_last, count = struct.unpack_from(_STREAM, octets, at)
            at += _STREAM_OCTETS
            held = queue.stream(number)
            held.first_seq = first_seq
            held.record_seq = record_seq
            held.t_first = t_first
            held.t_last = t_last
            for _ in range(count):
                length = struct.unpack_from(_LENGTH, octets, at)[0]
                at += _LENGTH_OCTETS
                queue.append(number, queue.next_seq(number), octets[at : at + length])
                at += length


def read(octets: bytes) -> "Kept | None":
    """What RTC memory holds, but for its records; None when it is something else, or damaged."""
    end = len(octets) - _SUM_OCTETS
    if end < BEFORE_OCTETS + _HEAD_OCTETS:
        return None
    if octets[BEFORE_OCTETS : BEFORE_OCTETS + 3] != _MAGIC + bytes([_VERSION]):
        return None
    if crc32(memoryview(octets)[BEFORE_OCTETS:end]) != int.from_bytes(octets[end:], "big"):
        return None
    head = struct.unpack_from(_HEAD, octets, BEFORE_OCTETS)
    kept = Kept(head[4], head[5], head[3], bool(head[2] & _UNHEARD), head[9])
    kept.asleep = bool(head[2] & _ASLEEP)
    kept.ticks_us, kept.rtc_us, kept.sleep_ms = head[6:9]
    return kept


def awake(octets: bytes) -> bytearray:
    """The same, once a wake goes on with it: after that, what is in it may be old."""
    out = bytearray(octets)
    out[_FLAGS_AT] &= 0xFF ^ _ASLEEP
    _seal(out)
    return out


def _seal(out: bytearray) -> None:
    end = len(out) - _SUM_OCTETS
    out[end:] = crc32(memoryview(out)[BEFORE_OCTETS:end]).to_bytes(_SUM_OCTETS, "big")
