"""One file of the flash queue: what it holds, then its records, each with its length and check sum.

A file is at most one block of LittleFS, written once and never again: LittleFS would copy a block
to append to it. At a power cut it is there whole, or not at all.
"""

import struct
from binascii import crc32

from firmware.spill import SEGMENT_OCTETS
from wire.compat import const

# Version, stream, boot, descriptor's hash, first_seq, record_seq, next_seq, t_first, t_last, check sum.
_HEADER = ">BBQ8sIIIQQI"
HEADER_OCTETS = const(50)
_SUMMED = const(46)
_RECORD = ">HI"
RECORD_OCTETS = const(6)  # before each record
_VERSION = const(1)
_MASK = const(0xFFFFFFFF)


class Segment:
    """Seqs `first_seq` to `record_seq` are a gap (none where they are equal), to `next_seq` are records.

    `t_first` and `t_last` are the first and last ticks of all of them; `descriptor` is the hash
    that the records refer to. `whole` is False for one whose header cannot be read.
    """

    def __init__(self, first_seq: int, record_seq: int, next_seq: int, t_first: int, t_last: int) -> None:
        self.first_seq = first_seq
        self.record_seq = record_seq
        self.next_seq = next_seq
        self.t_first = t_first
        self.t_last = t_last
        self.descriptor = b""
        self.whole = False
        self.seed = 0  # of the records' check sums: they are of this segment and no other

    def take(self, later: "Segment") -> None:
        """Become the gap that stands for this segment and the one behind it."""
        self.next_seq = later.next_seq
        self.t_first = min(self.t_first, later.t_first)
        self.t_last = max(self.t_last, later.t_last)


def read(path: str) -> "Segment | None":
    """What the file says of itself; None when it is not there or its header is damaged."""
    try:
        with open(path, "rb") as file:
            octets = file.read(HEADER_OCTETS)
    except OSError:
        return None
    if len(octets) != HEADER_OCTETS:
        return None
    items = struct.unpack(_HEADER, octets)
    if items[0] != _VERSION or items[9] != crc32(octets[:_SUMMED]):
        return None
    segment = Segment(items[4], items[5], items[6], items[7], items[8])
    segment.descriptor = items[3]
    segment.whole = True
    segment.seed = items[9]
    return segment


def is_torn(path: str) -> bool:
    """True for the rest of a file that a power cut or Ctrl-C ended before its header was written."""
    try:
        with open(path, "rb") as file:
            return len(file.read(HEADER_OCTETS)) < HEADER_OCTETS
    except OSError:
        return False


def write(path: str, boot: int, stream: int, segment: Segment, records) -> int:
    """Write the file, its records from `records` (`get(0)` is that of `record_seq`); give its octets.

    Raises OSError; what is left of the file then has to go.
    """
    octets = HEADER_OCTETS
    with open(path, "wb") as file:
        file.write(_header(boot, stream, segment))
        for index in range(segment.next_seq - segment.record_seq):
            record = records.get(index)
            sum_ = crc32(record, segment.seed + segment.record_seq + index & _MASK)
            file.write(struct.pack(_RECORD, len(record), sum_))
            file.write(record)
            octets += RECORD_OCTETS + len(record)
    return octets


def _header(boot: int, stream: int, segment: Segment) -> bytes:
    octets = struct.pack(
        _HEADER,
        _VERSION,
        stream,
        boot,
        segment.descriptor,
        segment.first_seq,
        segment.record_seq,
        segment.next_seq,
        segment.t_first,
        segment.t_last,
        0,
    )
    segment.seed = crc32(octets[:_SUMMED])
    return octets[:_SUMMED] + struct.pack(">I", segment.seed)


class Reader:
    """Goes through the records of one segment; the file stays open until `close`."""

    def __init__(self, path: str, segment: Segment) -> None:
        self.segment = segment
        self._path = path
        self._file = None
        self._seq = 0  # of the record that begins where the file stands

    def get(self, seq: int) -> "bytes | None":
        """The record at `seq`; None when it is damaged."""
        try:
            if self._file is None or seq < self._seq:
                self._open()
            return self._read(seq)
        except OSError:
            return None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self.close()
        self._file = open(self._path, "rb")  # noqa: SIM115 - it stays open
        self._file.seek(HEADER_OCTETS)
        self._seq = self.segment.record_seq

    def _read(self, seq: int) -> "bytes | None":
        while True:
            head = self._file.read(RECORD_OCTETS)
            if len(head) != RECORD_OCTETS:
                self.close()
                return None
            length, sum_ = struct.unpack(_RECORD, head)
            self._seq += 1
            if self._seq > seq:
                break
            self._file.seek(length, 1)
        record = self._file.read(min(length, SEGMENT_OCTETS))
        return record if crc32(record, self.segment.seed + seq & _MASK) == sum_ else None
