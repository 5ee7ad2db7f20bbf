"""A straight line through a few time exchanges, with a bound on its error at every point.

The error of one exchange is at most half its round trip, however asymmetric the two ways are
(RFC 5905 section 8). The line is a weighted sum of the exchanges, so the same weights on the half
round trips bound the line's error: nothing about the jitter's distribution is assumed.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf, sqrt
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.node_clock import Exchange

NS_PER_US = 1000
TICK_NS = 1000  # a stamp is a whole microsecond, cut off
PPM = 0.001  # nanoseconds per microsecond
SKEW_LIMIT = 200 * PPM  # crystal tolerance, ageing and temperature of both ends, with room
SKEW_EXPECTED = 50 * PPM  # what a short run, which measures no skew, leans on
FREE_WANDER = 15 * PPM  # how far the skew may stray from the line while nobody has measured it
LEAST_WANDER = 0.5 * PPM
WANDER_GROWTH = 2 * PPM / 3600e6  # per microsecond: an evening's cooling moves a crystal by this much
RESIDUAL_SPREAD = 3  # a line through a bent row lies so many times further from it at its ends


# (boottime_ns, uncertainty_ns, reach_us: how far outside the exchanges, 0 between). A bare tuple:
# one is made for every record published, and a named one costs as much again as the arithmetic.
Placed: TypeAlias = tuple[int, int, float]


class Fit:
    """Least squares over `exchanges` (at least one, in order of ticks), skew within SKEW_LIMIT.

    `wander` is how far the skew is known to stray, in nanoseconds per microsecond.
    """

    def __init__(self, exchanges: Sequence[Exchange], wander: float) -> None:
        # Differences to the first exchange are small enough to be exact in a double.
        first = exchanges[0]
        self._node_us = first.middle_us
        self._host_ns = first.middle_ns
        self._wander = max(LEAST_WANDER, min(wander, FREE_WANDER))
        self._free_us = (FREE_WANDER - self._wander) / WANDER_GROWTH  # from here on all is possible
        xs = [(e.t2_us + e.t3_us) / 2 - self._node_us for e in exchanges]
        ys = [
            (e.t1_ns + e.t4_ns) / 2 - self._host_ns - x * NS_PER_US
            for e, x in zip(exchanges, xs, strict=True)
        ]
        halves = [e.rtt_ns / 2 + TICK_NS for e in exchanges]
        weights = [1 / (half * half) for half in halves]
        total = sum(weights)
        self._centre = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
        self._offset = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
        arms = [w * (x - self._centre) for w, x in zip(weights, xs, strict=True)]
        measured = sum(a * (x - self._centre) for a, x in zip(arms, xs, strict=True))
        # A short run is pulled towards no skew at all, as if that had been measured once.
        stiffness = measured + SKEW_EXPECTED**-2
        along = sum(a * y for a, y in zip(arms, ys, strict=True))
        self.skew = max(-SKEW_LIMIT, min(SKEW_LIMIT, along / stiffness))
        pull = (1 - measured / stiffness) * SKEW_LIMIT  # what the pulling may have cost

        def bound(x: float) -> float:
            arm = x - self._centre
            shares = (
                abs(w / total + a / stiffness * arm) * half
                for w, a, half in zip(weights, arms, halves, strict=True)
            )
            return sum(shares) + pull * abs(arm)

        # How bent the row is; what the pulling does to the line is in `pull` already.
        slope = max(-SKEW_LIMIT, min(SKEW_LIMIT, along / measured)) if measured else 0.0
        squares = sum(
            w * (y - self._offset - slope * (x - self._centre)) ** 2
            for w, x, y in zip(weights, xs, ys, strict=True)
        )
        self._xs = xs
        self._low, self._high = xs[0], xs[-1]
        slack = RESIDUAL_SPREAD * sqrt(squares / total)
        # The bound is convex: a chord lies above it between the ends, its steepest slope beyond.
        self._bound_low = bound(self._low) + slack
        self._bound_high = bound(self._high) + slack
        span = self._high - self._low
        self._chord = (self._bound_high - self._bound_low) / span if span else 0.0
        self._steepest = sum(abs(a) * half for a, half in zip(arms, halves, strict=True)) / stiffness + pull

    def place(self, ticks_us: int) -> Placed:
        """Where this tick is on the host's clock."""
        x = ticks_us - self._node_us
        if x < self._low:
            away = reach = self._low - x
            bound = self._bound_low + self._steepest * reach
        elif x > self._high:
            away = reach = x - self._high
            bound = self._bound_high + self._steepest * reach
        else:
            xs = self._xs
            at = bisect_left(xs, x)
            away = min(xs[at] - x, x - xs[at - 1] if at else inf)
            reach = 0.0
            bound = self._bound_low + self._chord * (x - self._low)
        if away < self._free_us:
            bound += away * (self._wander + WANDER_GROWTH * away)
        else:
            bound += away * FREE_WANDER
        correction = self._offset + self.skew * (x - self._centre)
        return self._host_ns + x * NS_PER_US + int(correction), int(bound) + 1, reach
