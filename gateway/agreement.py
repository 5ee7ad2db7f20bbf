"""What several bounds on one moment agree on (Marzullo's algorithm)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Span(NamedTuple):
    """A moment lies between `low` and `high`, both included."""

    low: int
    high: int


def agreed(spans: Sequence[Span]) -> Span:
    """The smallest span that lies in the most of `spans` (at least one), whichever are wrong.

    Where two places are in equally many, the narrower one: the wider is no better a guess.
    """
    # A begin sorts before an end at the same place: spans that only touch do agree.
    edges = sorted([(span.low, 0) for span in spans] + [(span.high, 1) for span in spans])
    best: tuple[int, int] = (0, 0)  # how many, minus the width
    found = spans[0]
    within = 0
    for (place, is_end), (following, _end) in pairwise(edges):
        within += -1 if is_end else 1
        rank = (within, place - following)
        if rank > best:
            best, found = rank, Span(place, following)
    return found
