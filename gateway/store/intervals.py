"""Half-open intervals of seqs or ids, as sorted lists of disjoint (first, next)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Interval = tuple[int, int]


def merged(*some: Iterable[Interval]) -> list[Interval]:
    """All of them together; those that overlap or touch are one."""
    result: list[Interval] = []
    for first, following in sorted(each for part in some for each in part):
        if following <= first:
            continue
        if result and first <= result[-1][1]:
            result[-1] = result[-1][0], max(result[-1][1], following)
        else:
            result.append((first, following))
    return result


def minus(these: Iterable[Interval], those: Iterable[Interval]) -> list[Interval]:
    """What of these is not in those."""
    result = []
    holes = merged(those)
    at = 0
    for start, end in merged(these):
        first = start
        while at < len(holes) and holes[at][1] <= first:
            at += 1
        each = at
        while each < len(holes) and holes[each][0] < end:
            if holes[each][0] > first:
                result.append((first, holes[each][0]))
            first = max(first, holes[each][1])
            each += 1
        if first < end:
            result.append((first, end))
    return result


def within(these: Iterable[Interval], first: int, following: int) -> list[Interval]:
    """What of these lies in one interval."""
    return minus(these, minus([(_LEAST, _MOST)], [(first, following)]))


def size(these: Iterable[Interval]) -> int:
    """How many numbers are in them, if they are disjoint."""
    return sum(following - first for first, following in these)


_LEAST, _MOST = -(1 << 80), 1 << 80  # beyond every number that SQLite holds
