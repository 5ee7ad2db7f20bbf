"""How long to wait before the next try."""

from __future__ import annotations

from random import Random


class Backoff:
    """Exponential with full jitter: many gateways that lost one broker do not come back together."""

    def __init__(self, first_s: float, most_s: float, random: Random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._tries = 0

    def next_s(self) -> float:
        """A time between 0 and the limit of this try, which doubles up to the most."""
        limit_s = min(self._most_s, self._first_s * 2 ** min(self._tries, 30))  # 30: no overflow in years
        self._tries += 1
        return self._random.uniform(0.0, limit_s)

    def reset(self) -> None:
        """It worked."""
        self._tries = 0
