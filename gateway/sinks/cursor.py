"""Which records a sink has delivered: everything up to a position, and ranges above it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from heapq import nlargest


class Cursor:
    """A set of ids: all up to `position`, and disjoint ranges above, which never touch.

    An id counts as delivered too when nothing is there to deliver: a row that is gone for good.
    """

    def __init__(self, position: int, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self.position = position
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __len__(self) -> int:
        """How many ranges there are above the position."""
        return len(self._firsts)

    def __contains__(self, id_: int) -> bool:
        if id_ <= self.position:
            return True
        at = bisect_right(self._firsts, id_) - 1
        return at >= 0 and id_ <= self._lasts[at]

    @property
    def above(self) -> int:
        """How many ids above the position are delivered."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def add(self, first: int, last: int) -> None:
        """All of `first` to `last` are delivered."""
        if first <= self.position + 1:
            if last > self.position:
                self.position = last
                if self._firsts:
                    self._absorb()
        elif first <= last:
            low = bisect_left(self._lasts, first - 1)
            high = bisect_right(self._firsts, last + 1)
            if low < high:
                first = min(first, self._firsts[low])
                last = max(last, self._lasts[high - 1])
            self._firsts[low:high] = [first]
            self._lasts[low:high] = [last]

    def rewind(self, position: int) -> None:
        """Nothing above this id is delivered any more."""
        self.position = min(self.position, position)
        self._firsts.clear()
        self._lasts.clear()

    def past(self, id_: int) -> int:
        """The last of the delivered ids that follow `id_` without a hole; `id_` if none does."""
        if id_ < self.position:
            return self.position
        at = bisect_right(self._firsts, id_ + 1) - 1
        return max(id_, self._lasts[at]) if at >= 0 and self._lasts[at] > id_ else id_

    def open_up_to(self, id_: int) -> int:
        """How many ids up to and with this one are not delivered."""
        at = bisect_right(self._firsts, id_)
        delivered = sum(self._lasts[:at]) - sum(self._firsts[:at]) + at
        if at and self._lasts[at - 1] > id_:
            delivered -= self._lasts[at - 1] - id_
        return max(0, id_ - self.position - delivered)

    def largest(self, count: int) -> list[tuple[int, int]]:
        """At most `count` ranges in their order; the smallest are left out, of equal ones the oldest."""
        ranges = list(zip(self._firsts, self._lasts, strict=True))
        if len(ranges) <= count:
            return ranges
        return sorted(nlargest(count, ranges, key=lambda range_: (range_[1] - range_[0], range_[0])))

    def _absorb(self) -> None:
        reached = bisect_right(self._firsts, self.position + 1)
        if reached:
            self.position = max(self.position, self._lasts[reached - 1])
            del self._firsts[:reached], self._lasts[:reached]
