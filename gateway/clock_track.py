"""The exchanges of one unbroken run of a node's ticks, and the lines through them."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import pairwise
from statistics import stdev
from typing import TYPE_CHECKING

from gateway.clock_fit import FREE_WANDER, NS_PER_US, Fit, Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.node_clock import Exchange

WINDOW = 64  # exchanges, about 11 minutes at one in 10 s
CHOSEN = 8  # of them, spread over the window, make the line, and the latest
ANCHORS = 64  # older exchanges kept: records of the past come late
ANCHOR_SPACING_NS = 300_000_000_000  # doubled whenever the anchors are full
SLOPES_LEAST = 4  # between anchors, before their spread says how the skew wanders
WANDER_SIGMAS = 3


class Track:
    """A window of the latest exchanges and thinned anchors of what was before.

    Ticks within or after the window are placed by one line through CHOSEN exchanges of the
    window; ticks before it by the line between the two anchors around them.
    """

    def __init__(self, first: Exchange) -> None:
        self.count = 1
        self._window: deque[Exchange] = deque([first])
        self._anchors: list[Exchange] = []
        self._candidate: Exchange | None = None  # for the next anchor
        self._spacing_ns = ANCHOR_SPACING_NS
        self._wander = FREE_WANDER
        self._fit: Fit | None = None
        self._begin_us = 0  # ticks of the line's first exchange
        self._legs: dict[int, Fit] = {}  # by the index of the leg's first anchor

    @property
    def latest(self) -> Exchange:
        """The newest exchange."""
        return self._window[-1]

    @property
    def first_us(self) -> int:
        """Ticks of the oldest exchange kept."""
        return (self._anchors or self._window)[0].t2_us

    @property
    def last_us(self) -> int:
        """Ticks of the newest exchange."""
        return self._window[-1].t3_us

    def add(self, exchange: Exchange) -> None:
        """Take the next exchange."""
        self.count += 1
        self._window.append(exchange)
        self._fit = None
        if len(self._window) > WINDOW:
            self._retire(self._window.popleft())

    def kept(self) -> list[Exchange]:
        """All exchanges held, at most ANCHORS + WINDOW, oldest first: what is worth storing."""
        return [*self._anchors, *self._window]

    def place(self, ticks_us: int) -> Placed:
        """Where this tick is on the host's clock."""
        fit = self._fit
        if fit is None:
            chosen = best_of_each_part(self._window)
            fit = self._fit = Fit(chosen, self._wander)
            self._begin_us = chosen[0].t2_us
            self._legs.pop(len(self._anchors) - 1, None)  # it ended at an exchange chosen before
        if ticks_us >= self._begin_us or not self._anchors:
            return fit.place(ticks_us)
        return self._leg(ticks_us).place(ticks_us)

    def _leg(self, ticks_us: int) -> Fit:
        anchors = self._anchors
        index = max(0, bisect_right(anchors, ticks_us, key=lambda anchor: anchor.t2_us) - 1)
        leg = self._legs.get(index)
        if leg is None:
            last = index + 1 == len(anchors)
            ahead = best_of_each_part(self._window)[0] if last else anchors[index + 1]
            leg = self._legs[index] = Fit((anchors[index], ahead), self._wander)
        return leg

    def _retire(self, old: Exchange) -> None:
        if not self._anchors:
            self._anchors.append(old)
            return
        apart_ns = old.t1_ns - self._anchors[-1].t1_ns
        if apart_ns < self._spacing_ns // 2:
            return
        best = self._candidate
        if best is None or old.rtt_ns < best.rtt_ns:
            best = self._candidate = old
        if apart_ns < self._spacing_ns:
            return
        self._anchors.append(best)
        self._candidate = None
        if len(self._anchors) > ANCHORS:
            self._anchors = self._anchors[::2]
            self._spacing_ns *= 2
        self._wander = wander_of(self._anchors)
        self._legs.clear()


def best_of_each_part(window: Sequence[Exchange]) -> list[Exchange]:
    """The exchange with the shortest round trip of each of CHOSEN equal parts, and the latest.

    The CHOSEN shortest of all could lie together at one end of the window, where they say little
    about the other. The latest may be the only one since the node was away.
    """
    ordered = list(window)
    if len(ordered) <= CHOSEN:
        return ordered
    edges = [len(ordered) * part // CHOSEN for part in range(CHOSEN + 1)]
    chosen = [min(ordered[start:end], key=lambda exchange: exchange.rtt_ns) for start, end in pairwise(edges)]
    return chosen if chosen[-1] is ordered[-1] else [*chosen, ordered[-1]]


def wander_of(anchors: Sequence[Exchange]) -> float:
    """How far the skew strays, in ns per us: the spread of the slopes between anchors."""
    if len(anchors) <= SLOPES_LEAST:
        return FREE_WANDER
    slopes = []
    for earlier, later in pairwise(anchors):
        node_us = (later.t2_us + later.t3_us - earlier.t2_us - earlier.t3_us) / 2
        host_ns = (later.t1_ns + later.t4_ns - earlier.t1_ns - earlier.t4_ns) / 2
        slopes.append((host_ns - node_us * NS_PER_US) / node_us)
    return WANDER_SIGMAS * stdev(slopes)
