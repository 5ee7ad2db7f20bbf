"""What lies in `record`, stream by stream: one pass over it, in memory that does not grow with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.seq_ranges import SeqRanges
from gateway.store.snapshot import records
from wire import up

if TYPE_CHECKING:
    import apsw

    from gateway.store.intervals import Interval
    from gateway.store.small_rows import Row

    Key = tuple[bytes, int, int]  # uid, boot, stream

NO_END = 1 << 62
ALL = (-1, NO_END)


class Progress:
    """How far every sink is: its cursor, and what it has delivered above it."""

    def __init__(self, cursors: list[Row], ranges: list[Row]) -> None:
        self._cursors: dict[str, int] = dict(cursors)
        self._ranges = [row for row in ranges if row[0] in self._cursors]
        ends = {end for _sink, first, last in self._ranges for end in (first - 1, last)}
        self.ends = sorted(ends.union(self._cursors.values()))  # between them, a sink has all or nothing

    @property
    def sinks(self) -> tuple[str, ...]:
        """In alphabetical order."""
        return tuple(sorted(self._cursors))

    def passed(self, id_: int) -> dict[str, bool]:
        """By sink, whether it is done with the record of this id."""
        passed = {name: id_ <= cursor for name, cursor in self._cursors.items()}
        for name, first, last in self._ranges:
            passed[name] |= first <= id_ <= last
        return passed


class Selection:
    """Which seqs of which streams are asked for."""

    def __init__(self, node: bytes | None, day: int | None, days: list[Row]) -> None:
        self._node = node
        self._windows: dict[Key, Interval] | None = None if day is None else _windows(day, days)

    def window(self, key: Key) -> Interval | None:
        """The seqs asked for of this stream; None when it is not asked for at all."""
        if self._node is not None and key[0] != self._node:
            return None
        return ALL if self._windows is None else self._windows.get(key)


class Tally:
    """What of one stream lies in `record`: seqs of readings and of gaps, and records by sink."""

    def __init__(self) -> None:
        self.readings = SeqRanges()
        self.gaps = SeqRanges()
        self.delivered: dict[str, int] = {}  # readings
        self.waiting: dict[str, int] = {}  # records: those of gaps are delivered, too
        self._readings = 0  # since the latest call of `close`
        self._records = 0

    def add(self, seq: int, next_seq: int, kind: int) -> None:
        """One record, by ascending ids."""
        self._records += 1
        if kind == up.Gap.TYPE:
            self.gaps.add(seq, next_seq)
        else:
            self._readings += 1
            self.readings.add(seq, next_seq)

    def close(self, passed: dict[str, bool]) -> None:
        """The records since the latest call are delivered, or not, by sink."""
        for sink, is_passed in passed.items():
            counts, count = (self.delivered, self._readings) if is_passed else (self.waiting, self._records)
            counts[sink] = counts.get(sink, 0) + count
        self._readings = self._records = 0


def tallies(
    connection: apsw.Connection, progress: Progress, selection: Selection
) -> tuple[dict[Key, Tally], list[int]]:
    """What lies in `record` by stream, and the ids of the rows that fail their crc."""
    found: dict[Key, Tally] = {}
    windows: dict[Key, Interval | None] = {}
    damaged: list[int] = []
    ends = iter([*progress.ends, NO_END])
    end = next(ends)
    for stored, whole in records(connection):
        while stored.id > end:
            _close(found, progress.passed(end))
            end = next(ends)
        if not whole:
            damaged.append(stored.id)
            continue
        key = stored[:3]
        if key not in windows:
            windows[key] = selection.window(key)
        window = windows[key]
        if window is not None and stored.seq < window[1] and stored.next_seq > window[0]:
            tally = found.get(key)
            if tally is None:
                tally = found[key] = Tally()
            tally.add(stored.seq, stored.next_seq, stored.kind)
    _close(found, progress.passed(end))
    return found, damaged


def _close(found: dict[Key, Tally], passed: dict[str, bool]) -> None:
    for tally in found.values():
        tally.close(passed)


def _windows(day: int, days: list[Row]) -> dict[Key, Interval]:
    """By stream, from the first seq of the day to the first one of another day."""
    marks: dict[Key, list[tuple[int, int]]] = {}
    for uid, boot, stream, each, first_seq in days:
        marks.setdefault((uid, boot, stream), []).append((first_seq, each))
    windows = {}
    for key, marked in marks.items():
        begun = sorted(marked)
        for (first_seq, each), (next_seq, _day) in zip(begun, [*begun[1:], (NO_END, 0)], strict=True):
            if each == day:
                windows[key] = (first_seq, next_seq)
    return windows
