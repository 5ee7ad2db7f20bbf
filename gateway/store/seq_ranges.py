"""Which seqs of a stream are there, told one record after the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class SeqRanges:
    """Sorted intervals that neither overlap nor touch. What comes in order costs next to nothing."""

    __slots__ = ("_first", "_next")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._first: list[int] = []
        self._next: list[int] = []
        for seq, next_seq in ranges:
            self.add(seq, next_seq)

    def add(self, seq: int, next_seq: int) -> None:
        """Put the range in; an empty one is nothing."""
        if next_seq <= seq:
            return
        ends = self._next
        if ends and ends[-1] == seq:
            ends[-1] = next_seq
        elif not ends or ends[-1] < seq:
            self._first.append(seq)
            ends.append(next_seq)
        else:
            at = bisect_left(ends, seq)  # the first that touches it or lies behind it
            to = bisect_right(self._first, next_seq)
            if at < to:
                seq = min(seq, self._first[at])
                next_seq = max(next_seq, ends[to - 1])
            self._first[at:to] = [seq]
            ends[at:to] = [next_seq]

    @property
    def count(self) -> int:
        """How many seqs."""
        return sum(self._next) - sum(self._first)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The first seq and the one after the last; None when it is empty."""
        return (self._first[0], self._next[-1]) if self._first else None

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._first, seq) - 1
        return at >= 0 and seq < self._next[at]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._first, self._next, strict=True)

    def __len__(self) -> int:
        return len(self._first)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SeqRanges) and (self._first, self._next) == (other._first, other._next)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SeqRanges({list(self)})"
