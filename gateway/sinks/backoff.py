"""How long to wait before the next try."""

from __future__ import annotations

from random import Random


class Backoff:
    """Exponential with full jitter: many gateways that lost one broker do not come back together.

    `least` is the share of the limit that is waited in any case.
    """

    def __init__(self, first_s: float, most_s: float, random: Random, *, least: float = 0.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._least = least
        self._tries = 0

    def next_s(self) -> float:
        """A time between 0 and the limit of this try, which doubles up to the most."""
        self._tries += 1
        return self.again_s()

    def again_s(self) -> float:
        """As the latest `next_s`, without another doubling."""
        doublings = min(max(0, self._tries - 1), 30)  # 30: no overflow in years
        limit_s = min(self._most_s, self._first_s * 2**doublings)
        return self._random.uniform(self._least * limit_s, limit_s)

    def fresh(self) -> Backoff:
        """Another one with the same limits."""
        return Backoff(self._first_s, self._most_s, self._random)

    def reset(self) -> None:
        """It worked."""
        self._tries = 0
