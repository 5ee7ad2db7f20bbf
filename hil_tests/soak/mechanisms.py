"""What a soak does: each mechanism runs a portion from a seed and says what it counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hil_tests.faults.broker_kills import broker_kills
from hil_tests.faults.crash_images import crash_images
from hil_tests.faults.failing_operations import fail_each
from hil_tests.faults.kill_loop import kill_loop
from hil_tests.power.cuts import power_cuts

CUTS_OF_A_LIFE = 4000  # about so many come of one life whose operations fail one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`cuts`: faults that were judged; `rows`: records that were compared; `lost`: acknowledged and gone."""

    cuts: int
    rows: int
    lost: int
    mistakes: list[str]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """`portion`: faults of one round, a minute's worth or less. Its seeds are `seeds_each` apart."""

    name: str
    what: str
    portion: int
    run: Callable[[int, int], Tally]
    seeds_each: int = 1


def _images(seed: int, count: int) -> Tally:
    counts = crash_images(seed, count)
    note = f"{counts.histories} histories"
    return Tally(cuts=counts.images, rows=counts.rows, lost=counts.lost, mistakes=counts.mistakes, note=note)


def _failures(seed: int, count: int) -> Tally:
    cuts = rows = lost = failures = 0
    mistakes: list[str] = []
    for each in range(seed, seed + max(1, count // CUTS_OF_A_LIFE)):
        counts = fail_each(each)
        cuts += counts.images
        rows += counts.rows
        lost += counts.lost
        failures += counts.failures
        mistakes += counts.mistakes
    return Tally(cuts=cuts, rows=rows, lost=lost, mistakes=mistakes, note=f"{failures} operations failed")


def _kills(seed: int, count: int) -> Tally:
    counts = kill_loop(seed, count)
    note = _first_ack(counts.first_ack_s)
    return Tally(cuts=counts.kills, rows=counts.rows, lost=counts.lost, mistakes=counts.mistakes, note=note)


def _power(seed: int, count: int) -> Tally:
    counts = power_cuts(seed, count)
    note = _first_ack(counts.first_ack_s)
    return Tally(cuts=counts.cuts, rows=counts.rows, lost=counts.lost, mistakes=counts.mistakes, note=note)


def _brokers(seed: int, count: int) -> Tally:
    counts = broker_kills(seed, count)
    note = f"{counts.wiped} wiped, {counts.repeats} repeats"
    return Tally(cuts=counts.kills, rows=counts.rows, lost=counts.lost, mistakes=counts.mistakes, note=note)


def _first_ack(seconds: list[float]) -> str:
    middle = sorted(seconds)[len(seconds) // 2 : len(seconds) // 2 + 1]
    return f"first ACK after {middle[0]:.2f} s" if middle else ""


MECHANISMS = {
    each.name: each
    for each in (
        Mechanism(
            name="images",
            what="crash images of the store: power cuts between any two operations of its files",
            portion=5000,
            run=_images,
            seeds_each=1000,
        ),
        Mechanism(
            name="failures",
            what="every operation of a life failing once, with power cuts after it",
            portion=1,
            run=_failures,
        ),
        Mechanism(name="kills", what="SIGKILL of the real gateway", portion=100, run=_kills),
        Mechanism(
            name="brokers", what="SIGKILL of the broker, some with its disk wiped", portion=20, run=_brokers
        ),
        Mechanism(
            name="power", what="power cuts of a whole computer that runs the gateway", portion=8, run=_power
        ),
    )
}
