"""A believable world: what the demo lets its chips measure."""

from math import exp, pi, sin, sqrt
from random import Random

from hil_tests.chips.world import Air, Load

DAY_S = 86_400.0


class Drift:
    """Moves `air` and `load` as time goes by: a daily curve, and a seeded walk that comes back.

    The same seed and the same steps give the same path. `day_s` may be shortened, so that a
    person who watches for some minutes sees a day.
    """

    def __init__(self, air: Air, load: Load, *, seed: int = 0, day_s: float = DAY_S) -> None:
        random = Random(seed)
        scale = day_s / DAY_S
        self._air = air
        self._load = load
        self._day_s = day_s
        self._elapsed_s = 0.0
        self._temperature = _Walk(random, spread=0.8, memory_s=3600 * scale)
        self._humidity = _Walk(random, spread=2.5, memory_s=3600 * scale)
        self._pressure = _Walk(random, spread=600.0, memory_s=86_400 * scale)
        self._kilograms = _Walk(random, spread=0.4, memory_s=900 * scale)

    def advance(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self._elapsed_s += seconds
        sun = sin(2 * pi * self._elapsed_s / self._day_s)
        self._air.temperature = 12.5 + 5.0 * sun + self._temperature.advance(seconds)
        # Warmer air of the same water content is drier.
        self._air.humidity = 62.0 - 14.0 * sun + self._humidity.advance(seconds)
        self._air.pressure = 100_800.0 + 40.0 * sun + self._pressure.advance(seconds)
        self._load.kilograms = 5.0 + 0.1 * sun + self._kilograms.advance(seconds)


class _Walk:
    """A random walk with a pull towards zero (Ornstein and Uhlenbeck), never over four spreads."""

    def __init__(self, random: Random, *, spread: float, memory_s: float) -> None:
        self._random = random
        self._spread = spread
        self._memory_s = memory_s
        self._value = random.gauss(0, spread / 2)

    def advance(self, seconds: float) -> float:
        kept = exp(-seconds / self._memory_s)
        step = self._random.gauss(0, self._spread * sqrt(1 - kept * kept))
        most = 4 * self._spread
        self._value = max(-most, min(most, self._value * kept + step))
        return self._value
