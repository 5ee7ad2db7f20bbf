"""How fast the backlog goes: as fast as the broker takes it without answering later.

Additive increase, multiplicative decrease on the time until the PUBACK, as congestion control of
TCP does; the broker is what is congested, and behind it those who read.
"""

from __future__ import annotations

from random import Random

FLOOR_PER_S = 10.0  # even a broker that is slow gets its backlog some day
CEILING_PER_S = 20_000.0  # more than a gateway can send
FIRST_PER_S = 200.0
STEP_PER_S = 200.0  # more in every period, once the broker has shown its limit
PERIOD_S = 1.0  # of one decision
SPREAD_S = 5.0  # gateways that come back together begin within this time
SLOWER = 3.0  # times the least time until an answer: congested
PROMPT_S = 0.1  # an answer within this is prompt whatever the least was
BURST_S = 0.3  # of the rate may go at once: longer than the sink's tick
STALLED_S = 5.0  # without an answer: nothing is promised of a drain that stands still

_SMOOTH = 0.3  # weight of the newest period in the rate that is shown


class Pace:
    """A bucket of permissions that fills at an adapting rate. Times are of a monotonic clock."""

    def __init__(self, random: Random, cap_per_s: float = 0.0) -> None:
        self.shown_per_s = 0.0  # confirmed, over the last periods
        self._random = random
        self._most_per_s = min(CEILING_PER_S, cap_per_s) if cap_per_s else CEILING_PER_S
        self._least_per_s = min(FLOOR_PER_S, self._most_per_s)
        self.begin(0.0)

    @property
    def per_s(self) -> float:
        """The rate that is allowed now."""
        return self._per_s

    def begin(self, now_s: float) -> None:
        """A new connection: begin slowly, and not at the same time as all others."""
        self._per_s = max(self._least_per_s, min(FIRST_PER_S, self._most_per_s))
        self._filled_s = now_s + self._random.uniform(0.0, SPREAD_S)
        self._period_s = self._filled_s
        self._permissions = 0.0
        self._searching = True  # doubling until the first congestion
        self._least_s = float("inf")
        self.end()
        self._new_period()

    def end(self) -> None:
        """The connection is gone: nothing goes now."""
        self.shown_per_s = 0.0
        self._silent_s = 0.0

    def room(self, now_s: float) -> int:
        """How many may go now."""
        if now_s < self._filled_s:
            return 0
        more = (now_s - self._filled_s) * self._per_s
        self._permissions = min(self._permissions + more, max(1.0, self._per_s * BURST_S))
        self._filled_s = now_s
        if self._permissions < 1:
            self._exhausted = True
        return int(self._permissions)

    def sent(self) -> None:
        """One went."""
        self._permissions -= 1

    def answered(self, waited_s: float) -> None:
        """The broker took one that was on its way for so long."""
        self._answers += 1
        self._waited_s += waited_s
        self._least_s = min(self._least_s, waited_s)

    def refused(self) -> None:
        """The broker refused one."""
        self._refusals += 1

    def adapt(self, now_s: float) -> None:
        """Call often: once in a period the rate is thought over."""
        elapsed_s = now_s - self._period_s
        if elapsed_s < PERIOD_S:
            return
        self._show(elapsed_s)
        if self._congested():
            self._searching = False
            self._per_s = max(self._least_per_s, self._per_s / 2)
        elif self._exhausted and self._answers:  # the rate was the limit, and nothing else
            faster = self._per_s * 2 if self._searching else self._per_s + STEP_PER_S
            self._per_s = min(self._most_per_s, faster)
        self._period_s = now_s
        self._new_period()

    def _show(self, elapsed_s: float) -> None:
        self._silent_s = 0.0 if self._answers else self._silent_s + elapsed_s
        if self._silent_s >= STALLED_S:
            self.shown_per_s = 0.0
            return
        weight = _SMOOTH if self.shown_per_s else 1.0
        self.shown_per_s += (self._answers / elapsed_s - self.shown_per_s) * weight

    def _congested(self) -> bool:
        if self._refusals:
            return True
        return bool(self._answers) and self._waited_s / self._answers > max(PROMPT_S, SLOWER * self._least_s)

    def _new_period(self) -> None:
        self._answers = self._refusals = 0
        self._waited_s = 0.0
        self._exhausted = False
