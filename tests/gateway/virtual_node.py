"""A node on a virtual crystal: what it would answer, and when it really was."""

import random
from dataclasses import dataclass

from firmware.clock import Ticks
from gateway.node_clock import Exchange
from tests.gateway.virtual_links import ANSWER_OCTETS, QUESTION_OCTETS, Link

S = 1_000_000_000
GRID_S = 20.0
PPM = 1e-6


@dataclass(frozen=True, kw_only=True)
class Crystal:
    """How far it is off, and how it moves: a ramp that ends after `ramp_s`, a kink at once."""

    skew_ppm: float = 0.0
    wander_ppm: float = 0.0  # per square root of an hour
    ramp_ppm_h: float = 0.0
    ramp_at_s: float = 0.0
    ramp_s: float = 3600.0
    kink_ppm: float = 0.0
    kink_at_s: float = 1e12

    def phases(self, rng: random.Random, begin_s: float, end_s: float) -> list[tuple[float, float]]:
        """(elapsed seconds of the crystal, its rate) at every GRID_S of true time."""
        found, elapsed_s, walked = [], 0.0, 0.0
        for step in range(int((end_s - begin_s) / GRID_S) + 2):
            at_s = begin_s + step * GRID_S
            ramped_s = min(max(0.0, at_s - self.ramp_at_s), self.ramp_s)
            off = self.skew_ppm + walked + self.ramp_ppm_h * ramped_s / 3600
            off += self.kink_ppm if at_s >= self.kink_at_s else 0.0
            found.append((elapsed_s, 1 + off * PPM))
            elapsed_s += GRID_S * found[-1][1]
            walked += rng.gauss(0, self.wander_ppm * (GRID_S / 3600) ** 0.5)
        return found


class VirtualNode:
    """One boot of a node from `begin_s` to `end_s` of true time. `wrap`: where its counter starts anew."""

    def __init__(
        self,
        rng: random.Random,
        crystal: Crystal,
        link: Link,
        *,
        boot: int,
        begin_s: float,
        end_s: float,
        wrap: int = 0,
    ) -> None:
        self.boot = boot
        self.begin_s, self.end_s = begin_s, end_s
        self.link = link
        self._rng = rng
        self._phases = crystal.phases(rng, begin_s, end_s)
        self._at_s = begin_s
        self._first = max(0, wrap - int(rng.uniform(1, 600) * 1e6))  # the first wrap is near
        self._extended = (
            Ticks(lambda: (self._first + self._microseconds()) % wrap, wrap - 1) if wrap else None
        )

    def ticks(self, true_s: float) -> int:
        """Its clock, in the order of time where the counter wraps."""
        self._at_s = true_s
        return self._extended.now_us() if self._extended is not None else self._microseconds()

    def exchange(self, true_s: float, boottime_ns) -> Exchange:
        """Ask at that moment; `boottime_ns` tells the host's clock of a moment."""
        down_s, up_s = (octets * self.link.pace_us / 1e6 for octets in (QUESTION_OCTETS, ANSWER_OCTETS))
        received_s = true_s + down_s + self.link.down(self._rng)
        sent_s = received_s + self._rng.uniform(0.0002, 0.005)
        arrived_s = sent_s + up_s + self.link.up(self._rng)
        known_s = (down_s, up_s) if self.link.counted else (0.0, 0.0)
        return Exchange(
            t1_ns=boottime_ns(true_s) + int(known_s[0] * S),
            t2_us=self.ticks(received_s),
            t3_us=self.ticks(sent_s),
            t4_ns=boottime_ns(arrived_s) - int(known_s[1] * S),
        )

    def _microseconds(self) -> int:
        since_s = self._at_s - self.begin_s
        elapsed_s, rate = self._phases[int(since_s / GRID_S)]
        return int((elapsed_s + since_s % GRID_S * rate) * 1e6)
