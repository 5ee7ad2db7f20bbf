"""The files of the flash queue: which streams they are of, and what a power cut left of them.

A file is a segment (firmware.segment) of one (boot, stream), named by both and by its first seq:
BBBBBBBBBBBBSFFFFFFFF, hexadecimal. Segments of a stream follow on each other, so the next one's
name is known from this one's header, and RAM holds nothing of each.
"""

import errno
import os

from firmware import segment as segments
from firmware.segment import Segment
from firmware.spill import SEGMENT_OCTETS
from wire.compat import const

KEPT_MOST = const(16)  # (boot, stream) pairs known at a time, oldest first: HELLO has room for no more
FLOOR = const(4)  # a quarter of the file system stays free: LittleFS wears out what little is left
NEW = ".new"
_NAME_OCTETS = const(21)


class Shelf:
    """The files in `directory`. Raises OSError when it cannot be made or read.

    Those of `boot` are known in any case: it has gone on after deep sleep, and its seqs go on, too.
    """

    def __init__(self, directory: str, boot: int) -> None:
        self._boot = boot
        self.kept = {}  # (stream, boot): Kept
        self.more = False  # there are pairs that `kept` has no room for
        self.files = 0  # that take a block: a gap's does not
        self._directory = directory
        self._stuck = []  # names of files that are to go and cannot be removed
        try:
            os.mkdir(directory)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
        self.load()

    def load(self) -> None:
        """Find what is there, but for the streams that are known already."""
        while not self._load():
            pass

    def segment(self, kept: "Kept", first_seq: int) -> Segment:
        """That of this name; where its header is damaged, a gap up to the next one that is there."""
        segment = segments.read(self.path(kept.boot, kept.stream, first_seq))
        if segment:
            return segment
        next_seq = kept.next_seq
        for name in self._names():
            parts = _parts(name)
            if parts and parts[:2] == (kept.boot, kept.stream) and first_seq < parts[2] < next_seq:
                next_seq = parts[2]
        later = segments.read(self.path(kept.boot, kept.stream, next_seq))
        return Segment(first_seq, next_seq, next_seq, 0, later.t_last if later else 0)

    def _load(self) -> bool:
        """Find what is there; False when something was removed and it must be looked through again."""
        found = {}
        self.more = False
        self.files = 0
        strays = []
        for name in self._names():
            if name in self._stuck:
                continue
            parts = _parts(name)
            if parts is None:
                strays.append(name)
            else:
                self.files += 1
                self._find(found, parts)
        for kept in found.values():
            strays += self._begin(kept)
        for name in strays:
            if not self.remove(self._directory + "/" + name):
                self._stuck.append(name)  # it does no harm; the next start tries again
        if not strays:
            self.kept.update(found)
        return not strays

    def _find(self, found: dict, parts: tuple) -> None:
        boot, stream, seq = parts
        key = (stream, boot)
        if key in self.kept:
            return
        kept = found.get(key)
        if kept is None:
            kept = found[key] = Kept(boot, stream, seq)
            if len(found) + len(self.kept) > KEPT_MOST:
                self.more = True
                del found[max([key for key in found if key[1] != self._boot])]
        kept.file_seq = min(kept.file_seq, seq)
        kept.next_seq = max(kept.next_seq, seq)

    def _begin(self, kept: "Kept") -> "list[str]":
        """Read both ends of a stream that was found; give the names of what is left over."""
        path = self.path(kept.boot, kept.stream, kept.next_seq)
        last = segments.read(path)
        if last is None and segments.is_torn(path):
            return [path.split("/")[-1]]
        first = segments.read(self.path(kept.boot, kept.stream, kept.file_seq))
        kept.first_seq = kept.file_seq
        kept.next_seq = last.next_seq if last else kept.next_seq + 1
        if first or last:
            kept.descriptor = (first or last).descriptor
        if first is None or first.record_seq < first.next_seq:
            return []
        # A gap stands for what was about to be removed behind it.
        kept.gap = True
        self.files -= 1
        kept.next_seq = max(kept.next_seq, first.next_seq)
        left = []
        for name in self._names():
            parts = _parts(name)
            if parts and parts[:2] == (kept.boot, kept.stream) and kept.file_seq < parts[2] < first.next_seq:
                left.append(name)
        return left

    def _names(self):
        for entry in os.ilistdir(self._directory):
            yield entry[0]

    def path(self, boot: int, stream: int, seq: int) -> str:
        """Of the segment that begins with this seq."""
        return "%s/%012x%d%08x" % (self._directory, boot, stream, seq)

    def remove(self, path: str) -> bool:
        """Remove the file. Where that fails it is found again at the next start."""
        try:
            os.remove(path)
        except OSError:
            return False
        return True

    def room(self) -> int:
        """Files that may be here in all, for the rest of the file system to keep its floor."""
        stat = os.statvfs(self._directory)
        return self.files + stat[1] * (stat[3] - stat[2] // FLOOR) // SEGMENT_OCTETS


class Kept:
    """One stream of one boot: files from `file_seq` on, to which the gateway has all below `first_seq`."""

    def __init__(self, boot: int, stream: int, seq: int) -> None:
        self.boot = boot
        self.stream = stream
        self.file_seq = seq
        self.file_end = 0  # where the oldest file ends, once that was asked for
        self.gap = False  # whether the oldest file is one without records
        self.first_seq = seq
        self.next_seq = seq
        self.descriptor = bytes(8)  # no hash: of a stream whose headers cannot be read


def _parts(name: str) -> "tuple[int, int, int] | None":
    if len(name) != _NAME_OCTETS:
        return None
    try:
        return int(name[:12], 16), int(name[12]), int(name[13:], 16)
    except ValueError:
        return None
