"""A stretch of one boot of the host in which UTC minus CLOCK_BOOTTIME stayed the same."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from gateway.host_clock import DRIFT_PPM

if TYPE_CHECKING:
    from collections.abc import Sequence

PPM_DIVISOR = 1_000_000
PIECES = 16  # of one boot; beyond, the two that cost the least certainty become one


class Piece(NamedTuple):
    """From `since_ns` to `until_ns` of CLOCK_BOOTTIME somebody set the wall clock's error right.

    `offset_ns`: UTC minus CLOCK_BOOTTIME. How uncertain that was: when it began (`first_ns`: what
    reaches back before it), at its end (`latest_ns`: what reaches beyond it), and at worst between.
    """

    since_ns: int
    until_ns: int
    offset_ns: int
    first_ns: int
    latest_ns: int
    worst_ns: int

    def at(self, boottime_ns: int) -> tuple[int, int]:
        """UTC and its uncertainty; outside the piece the crystal's own rate adds to it."""
        utc_ns = boottime_ns + self.offset_ns
        if boottime_ns > self.until_ns:
            return utc_ns, self.latest_ns + drift_ns(boottime_ns - self.until_ns)
        if boottime_ns < self.since_ns:
            return utc_ns, self.first_ns + drift_ns(self.since_ns - boottime_ns)
        return utc_ns, self.worst_ns

    def extended(self, boottime_ns: int, stated_ns: int) -> Piece:
        """The piece up to a later moment at which the clock was good to `stated_ns`."""
        return self._replace(
            until_ns=boottime_ns,
            latest_ns=stated_ns,
            worst_ns=max(self.worst_ns, _worst_between(self, boottime_ns, stated_ns)),
        )


def drift_ns(span_ns: int) -> int:
    """How far the host's crystal may run away in that time."""
    return span_ns * DRIFT_PPM // PPM_DIVISOR


def joined(earlier: Piece, later: Piece) -> Piece:
    """Both as one, as uncertain as they are far from each other."""
    apart_ns = abs(later.offset_ns - earlier.offset_ns)
    between_ns = _worst_between(earlier, later.since_ns, later.first_ns)
    return Piece(
        since_ns=earlier.since_ns,
        until_ns=later.until_ns,
        offset_ns=later.offset_ns,
        first_ns=earlier.first_ns + apart_ns,
        latest_ns=later.latest_ns,
        worst_ns=max(later.worst_ns, earlier.worst_ns + apart_ns, between_ns + apart_ns),
    )


def bounded(pieces: Sequence[Piece]) -> list[Piece]:
    """At most PIECES of them, in their order."""
    kept = list(pieces)
    while len(kept) > PIECES:
        at = min(range(len(kept) - 1), key=lambda i: _price(kept[i], kept[i + 1]))
        kept[at : at + 2] = [joined(kept[at], kept[at + 1])]
    return kept


def text_of(pieces: Sequence[Piece]) -> str:
    """The pieces as they are stored; empty for none."""
    return json.dumps(pieces, separators=(",", ":")) if pieces else ""


def pieces_of(text: str) -> list[Piece]:
    """The pieces that `text_of` wrote. Raises ValueError for anything else."""
    rows = json.loads(text)
    if not isinstance(rows, list) or not 0 < len(rows) <= PIECES:
        raise ValueError(f"not 1 to {PIECES} pieces")
    if not all(isinstance(row, list) and len(row) == len(Piece._fields) for row in rows):
        raise ValueError("not pieces")
    if not all(type(number) is int for row in rows for number in row):
        raise ValueError("not nanoseconds")
    pieces = [Piece(*row) for row in rows]
    if any(p.since_ns > p.until_ns or min(p.first_ns, p.latest_ns, p.worst_ns) < 0 for p in pieces):
        raise ValueError("not in order")
    if any(later.since_ns < earlier.until_ns for earlier, later in pairwise(pieces)):
        raise ValueError("not in order")
    return pieces


def _worst_between(earlier: Piece, since_ns: int, first_ns: int) -> int:
    """Known on both sides, a moment between is at most half the way from one of them."""
    return max(earlier.latest_ns, first_ns) + drift_ns(since_ns - earlier.until_ns) // 2


def _price(earlier: Piece, later: Piece) -> int:
    """What joining them costs: uncertainty gained, for as long as the pieces last."""
    worst_ns = joined(earlier, later).worst_ns
    spoilt = (worst_ns - earlier.worst_ns) * (earlier.until_ns - earlier.since_ns + 1)
    return spoilt + (worst_ns - later.worst_ns) * (later.until_ns - later.since_ns + 1)
