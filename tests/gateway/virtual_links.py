"""Delays of a virtual line, one way each, in seconds: what stands between a node and a time stamp."""

import random
from collections.abc import Callable
from dataclasses import dataclass

Delay = Callable[[random.Random], float]


def tailed(least_ms: float, mean_ms: float, tail_share: float = 0.0, tail_ms: float = 0.0) -> Delay:
    """A least delay, exponential jitter, and now and then a machine that is busy with something else."""

    def delay(rng: random.Random) -> float:
        tail = rng.uniform(0, tail_ms) if rng.random() < tail_share else 0.0
        return (least_ms + rng.expovariate(1 / mean_ms) + tail) / 1e3

    return delay


def polled(of: Delay, every_ms: float, share: float = 1.0) -> Delay:
    """What is asked for every so often only, of which the last `share` is left to wait at any time."""
    return lambda rng: of(rng) + every_ms / 1e3 * (1 - share * rng.random())


def later(of: Delay, by_ms: float) -> Delay:
    """The same, and always so much more."""
    return lambda rng: of(rng) + by_ms / 1e3


@dataclass(frozen=True, kw_only=True)
class Link:
    """`pace_us`: what an octet takes on the wire, on top of the delays; `counted`: and the gateway knows."""

    down: Delay
    up: Delay
    pace_us: float = 0.0
    counted: bool = True


QUESTION_OCTETS, ANSWER_OCTETS = 10, 24  # of a TIME and its TIME_REPLY, framed
QUIET = tailed(0.05, 0.1)
BUSY = tailed(0.15, 0.3, 0.02, 20)  # a loaded Pi
AIR = tailed(1, 1, 0.05, 50)
UART = Link(down=BUSY, up=BUSY, pace_us=1e7 / 115_200)
USB = Link(down=BUSY, up=polled(BUSY, 1))
WIFI = Link(down=AIR, up=AIR)
ASYMMETRIC = Link(down=QUIET, up=later(QUIET, 2))
FTDI = Link(down=BUSY, up=polled(BUSY, 16, share=0.25), pace_us=1e7 / 115_200)
