"""The part of the queue that is in flash: records of this boot and of earlier ones, oldest first.

A segment goes when all of it is acknowledged. What must go earlier is first replaced by a segment
without records that names it, in one rename; only then the rest is removed. So at any power cut
a seq is in a segment, in a gap, or acknowledged.
"""

import errno
import os

from firmware import segment as segments
from firmware.queue import WEAR_PER_ERASE
from firmware.record import times_of
from firmware.segment import HEADER_OCTETS, RECORD_OCTETS, Segment
from firmware.shelf import NEW, Kept, Shelf
from firmware.spill import DROP_ORDER, QUEUE_FULL, SEGMENT_OCTETS
from wire.compat import const

DAMAGED = "flash_damaged"
STREAMS = (0, 1, 2)
TRIES = const(4)  # of a write when the file system is full, each after making room
_SEGMENT_COMMITS = const(3)  # made, written, removed in the end
_GAP_COMMITS = const(4)  # made, written, renamed, the other one removed


class FlashQueue:
    """Holds what `spill` (firmware.spill.Spill) gives it. `place`: (directory, octets of files, descriptor).

    Raises OSError when the directory cannot be made or read.
    """

    def __init__(self, place: tuple, spill) -> None:
        directory, limit_octets, self._descriptor = place
        self._spill = spill
        self._shelf = Shelf(directory, spill.queue.boot)
        self._reader = None
        self._reads = None  # the Kept that _reader goes through
        self._files_most = min(limit_octets // SEGMENT_OCTETS, self._shelf.room())

    @property
    def empty(self) -> bool:
        """True when everything is acknowledged."""
        return not self._shelf.kept and not self._shelf.more

    @property
    def octets(self) -> int:
        """Of flash in use, by whole blocks."""
        return self._shelf.files * SEGMENT_OCTETS

    def join(self, in_ram: "list[list[int]]") -> "list[list[int]]":
        """[boot, stream, first_seq, next_seq] of what is in RAM and here, as RamQueue.held gives it."""
        found = []
        for boot, stream, first_seq, next_seq in in_ram:
            kept = self._shelf.kept.get((stream, boot))
            found.append([boot, stream, kept.first_seq if kept else first_seq, next_seq])
        this = len(found)
        for (stream, boot), kept in self._shelf.kept.items():
            if boot != self._spill.queue.boot:
                found.append([boot, stream, kept.first_seq, kept.next_seq])
        older = sorted(found[this:])
        return [each for stream in STREAMS for each in found[:this] + older if each[1] == stream]

    def next_seq(self, stream: int) -> int:
        """The seq after what is here of this boot's stream; 0 where there is nothing."""
        kept = self._shelf.kept.get((stream, self._spill.queue.boot))
        return kept.next_seq if kept else 0

    def descs(self) -> "list[list]":
        """[boot, descriptor's hash] of each boot that had another descriptor than this one."""
        found = {kept.boot: kept.descriptor for kept in self._shelf.kept.values()}
        found.pop(self._spill.queue.boot, None)
        return [[boot, found[boot]] for boot in found if found[boot] != self._descriptor]

    def append(self, stream: int, held, newcomer: int) -> int:
        """Take records of this boot, as many as a block has room for; give how many that were.

        `held` has first_seq, record_seq, t_first, t_last and `records`, as in RamQueue. What is less
        urgent than `newcomer`, or as old as can be and as urgent, may make room and become a gap.
        """
        spill = self._spill
        queue = spill.queue
        queue.flash_fault = 0
        segment = self._batch(held)
        while self._shelf.files >= self._files_most:
            if not self._drop_one(newcomer):
                queue.flash_fault = queue.flash_fault or errno.ENOSPC
                return 0
        for _ in range(TRIES):
            if self._write(stream, segment, held.records):
                queue.flash_fault = 0
                spill.pause = 0
                return segment.next_seq - segment.record_seq
            if queue.flash_fault != errno.ENOSPC or not self._drop_one(newcomer):
                break
        return 0

    def get(self, boot: int, stream: int, seq: int) -> "tuple[bytes, int] | None":
        """The record at `seq` and the seq after it, or a GAP that begins there."""
        kept = self._shelf.kept.get((stream, boot))
        if kept is None or not kept.first_seq <= seq < kept.next_seq:
            return None
        reader = self._reader_at(kept, seq)
        segment = reader.segment
        if seq < segment.record_seq:
            after = segment.record_seq
            reason = QUEUE_FULL if segment.whole else DAMAGED
        else:
            record = reader.get(seq)
            if record is not None:
                return record, seq + 1
            reason = DAMAGED
            after = seq + 1
            while after < segment.next_seq and reader.get(after) is None:
                after += 1
        return self._spill.gap(boot, stream, seq, after, segment, reason), after

    def free(self, boot: int, stream: int, next_seq: int) -> int:
        """Forget everything below `next_seq`; give how many seqs that were."""
        kept = self._shelf.kept.get((stream, boot))
        if kept is None:
            return 0
        before = kept.first_seq
        kept.first_seq = min(max(before, next_seq), kept.next_seq)
        while kept.file_seq < kept.next_seq:
            if not kept.file_end:
                kept.file_end = self._shelf.segment(kept, kept.file_seq).next_seq
            if kept.file_end > kept.first_seq:
                break
            self.close()
            self._shelf.remove(self._shelf.path(boot, stream, kept.file_seq))
            self._shelf.files -= 0 if kept.gap else 1
            kept.gap = False
            kept.file_seq = kept.file_end
            kept.file_end = 0
        if kept.file_seq == kept.next_seq:
            del self._shelf.kept[stream, boot]
            if self._shelf.more:
                self._shelf.load()
        return kept.first_seq - before

    def _batch(self, held) -> Segment:
        count = 0
        octets = HEADER_OCTETS
        segment = Segment(held.first_seq, held.record_seq, held.record_seq, held.t_first, held.t_last)
        segment.descriptor = self._descriptor
        while count < len(held.records):
            record = held.records.get(count)
            octets += RECORD_OCTETS + len(record)
            if octets > SEGMENT_OCTETS:
                break
            t_first, span = times_of(record)
            later = Segment(0, 0, held.record_seq + count + 1, t_first, t_first + span)
            if segment.next_seq == segment.first_seq:
                segment.t_first = t_first
                segment.t_last = 0
            segment.take(later)
            count += 1
        return segment

    def _write(self, stream: int, segment: Segment, records) -> bool:
        boot = self._spill.queue.boot
        path = self._shelf.path(boot, stream, segment.first_seq)
        try:
            octets = segments.write(path, boot, stream, segment, records)
        except (OSError, MemoryError) as error:
            self._fail(error, path)
            return False
        kept = self._shelf.kept.get((stream, boot))
        if kept is None:
            kept = self._shelf.kept[stream, boot] = Kept(boot, stream, segment.first_seq)
        kept.next_seq = segment.next_seq
        self._shelf.files += 1
        self._wear(octets, WEAR_PER_ERASE + _SEGMENT_COMMITS)
        return True

    def _fail(self, error: "OSError | MemoryError", path: str) -> None:
        self._spill.fail(error)
        self._shelf.remove(path)

    def _drop_one(self, newcomer: int) -> bool:
        # One block's worth, of the oldest boot that has any; nothing of what the newcomer must not displace.
        for stream in DROP_ORDER:
            for key in sorted(self._shelf.kept):
                if key[0] == stream and self._drop(self._shelf.kept[key]):
                    return True
            if stream == newcomer:
                break
        return False

    def _drop(self, kept: Kept) -> bool:
        gone = None
        front = self._shelf.segment(kept, kept.file_seq)
        lost = front.next_seq - max(front.record_seq, kept.first_seq)
        if front.record_seq == front.next_seq:
            if front.next_seq == kept.next_seq:
                return False  # all of it is a gap
            gone = self._shelf.segment(kept, front.next_seq)
            lost = gone.next_seq - max(gone.record_seq, kept.first_seq)
            front.take(gone)
        front.record_seq = front.next_seq
        self.close()
        path = self._shelf.path(kept.boot, kept.stream, kept.file_seq)
        try:
            octets = segments.write(path + NEW, kept.boot, kept.stream, front, ())
            os.rename(path + NEW, path)
        except (OSError, MemoryError) as error:
            self._fail(error, path + NEW)
            return False
        self._wear(octets, _GAP_COMMITS)
        self._spill.queue.dropped += max(0, lost)
        kept.file_end = front.next_seq
        self._shelf.files -= (0 if kept.gap else 1) + (1 if gone else 0)
        kept.gap = True
        if gone:
            self._shelf.remove(self._shelf.path(kept.boot, kept.stream, gone.first_seq))
        return True

    def _wear(self, octets: int, twentieths: int) -> None:
        self._spill.queue.flash_octets += octets
        self._spill.queue.flash_wear += twentieths

    def _reader_at(self, kept: Kept, seq: int) -> segments.Reader:
        at = kept.file_seq
        if self._reads is kept:
            if self._reader.segment.first_seq <= seq < self._reader.segment.next_seq:
                return self._reader
            if self._reader.segment.next_seq <= seq:
                at = self._reader.segment.next_seq
        segment = self._shelf.segment(kept, at)
        while segment.next_seq <= seq:
            segment = self._shelf.segment(kept, segment.next_seq)
        self.close()
        self._reads = kept
        path = self._shelf.path(kept.boot, kept.stream, segment.first_seq)
        self._reader = segments.Reader(path, segment)
        return self._reader

    def close(self) -> None:
        """Close the file that is being read."""
        if self._reads is not None:
            self._reader.close()
        self._reads = None
