"""The exchanges with a node that sleeps between contacts, and the bounds that they leave for every tick.

Awake, its ticks are a crystal's; asleep, an RC oscillator's, which is off by as many ppm as the node itself
says, and never twice the same. So no line through many exchanges means anything: a tick is bounded by the
exchange before it and the one after it.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING

from gateway.clock_fit import NS_PER_US, PPM, TICK_NS

if TYPE_CHECKING:
    from gateway.node_clock import Exchange

KEPT = 256  # exchanges, two and a half days of a contact in 15 minutes; beyond, the most needless goes
CONTACT_US = 10_000_000  # of so long an awake time the fastest exchange is kept
CONTACT_EXCHANGES = 2  # asked for at once; a node waits for no more of them
QUICK_NS = 500_000_000

_MIDDLE_US = attrgetter("middle_us")


class Contacts:
    """`ppm` is how far off the ticks may be at any time. Exchanges come in the order of their t1."""

    def __init__(self, ppm: int) -> None:
        self.ppm = ppm
        self._off = ppm * PPM  # nanoseconds per microsecond
        self._kept: list[Exchange] = []
        self._since_us = 0  # when the latest contact began
        self._count = 0  # exchanges of it
        self._asked_ns = 0  # t1 of the newest exchange

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def last_us(self) -> int:
        """Ticks of the newest exchange."""
        return self._kept[-1].middle_us

    def ends(self) -> list[int]:
        """Ticks of the first and the last exchange."""
        return [self._kept[0].middle_us, self._kept[-1].middle_us] if self._kept else []

    def kept(self) -> list[Exchange]:
        """All that are held, the oldest first."""
        return list(self._kept)

    def add(self, exchange: Exchange) -> bool:
        """Take the next exchange; False when the ticks went backwards."""
        if self._kept and exchange.middle_us < self.last_us:
            return False
        self._asked_ns = exchange.t1_ns
        if self._kept and exchange.t2_us - self._since_us < CONTACT_US:
            self._count += 1
            if exchange.rtt_ns <= self._kept[-1].rtt_ns:
                self._kept[-1] = exchange
            return True
        self._since_us, self._count = exchange.t2_us, 1
        self._kept.append(exchange)
        if len(self._kept) > KEPT:
            self._thin()
        return True

    def agrees_with(self, exchange: Exchange) -> bool:
        """Whether a clock that is off by `ppm` at most can have answered this and the one before it."""
        if not self._kept:
            return True
        low, high = self._from(self._kept[-1], exchange.middle_us)
        half_ns = exchange.rtt_ns // 2 + TICK_NS
        return low - half_ns <= exchange.middle_ns <= high + half_ns

    def due(self, now_ns: int, period_ns: int) -> bool:
        """Whether the node should be asked: some times at once, then every period."""
        if not self._kept:
            return True
        since_ns = now_ns - self._asked_ns
        return since_ns >= (min(QUICK_NS, period_ns) if self._count < CONTACT_EXCHANGES else period_ns)

    def place(self, ticks_us: int) -> tuple[int, int, int, bool]:
        """The host's clock at these ticks, its uncertainty, how far outside the exchanges they are.

        Between two exchanges it is where an even pace has it, and the bounds of both hold. Where they
        contradict each other (the last item is True) only the order is known: it was between the two.
        """
        at = bisect_right(self._kept, ticks_us, key=_MIDDLE_US)
        if at == len(self._kept):
            return self._outside(self._kept[-1], ticks_us)
        if at == 0:
            return self._outside(self._kept[0], ticks_us)
        before, after = self._kept[at - 1], self._kept[at]
        lows, highs = zip(self._from(before, ticks_us), self._from(after, ticks_us), strict=True)
        low, high = max(*lows, before.t1_ns), min(*highs, after.t4_ns)
        if low > high:
            low, high = before.t1_ns, after.t4_ns
            return (low + high) // 2, (high - low) // 2 + 1, 0, True
        since_us, whole_us = ticks_us - before.middle_us, after.middle_us - before.middle_us
        guess = before.middle_ns + (after.middle_ns - before.middle_ns) * since_us // whole_us
        guess = min(max(guess, low), high)
        return guess, max(high - guess, guess - low) + 1, 0, False

    def _outside(self, exchange: Exchange, ticks_us: int) -> tuple[int, int, int, bool]:
        low, high = self._from(exchange, ticks_us)
        reach_us = abs(ticks_us - exchange.middle_us)
        return (low + high) // 2, (high - low) // 2 + 1, reach_us, False

    def _from(self, exchange: Exchange, ticks_us: int) -> tuple[int, int]:
        """What one exchange alone leaves for these ticks."""
        since_us = ticks_us - exchange.middle_us
        middle_ns = exchange.middle_ns + since_us * NS_PER_US
        off_ns = int(abs(since_us) * self._off) + exchange.rtt_ns // 2 + TICK_NS
        return middle_ns - off_ns, middle_ns + off_ns

    def _thin(self) -> None:
        kept = self._kept
        del kept[min(range(1, len(kept) - 1), key=lambda at: kept[at + 1].middle_us - kept[at - 1].middle_us)]
