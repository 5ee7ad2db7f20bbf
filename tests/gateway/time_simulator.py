"""Thousands of gateways and nodes on virtual clocks; every record's time against the truth.

A case is one node with one gateway for a while: it is drawn from a class of cases by a seed. Each
record is judged twice, as it would have been published when it came and as it is known at the end.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from gateway.host_clock import NO_EARLIER_NS, HostReading
from gateway.node_clock import Exchange
from gateway.timeline import Timeline, UtcInstant
from tests.gateway.shelf import Shelf
from tests.gateway.virtual_day import UTC_S, HostLife, VirtualDay
from tests.gateway.virtual_links import UART, Link
from tests.gateway.virtual_node import Crystal, VirtualNode

S = 1_000_000_000
UID = bytes.fromhex("24ec4a000001")
COVERAGE = 0.99
CAME_S = 0.05  # from sample to arrival at the least

Outage = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class NodeLife:
    """One boot of a node. `keeps`: what it could not send before it ended comes in its next boot."""

    begin_s: float
    end_s: float
    keeps: bool = False
    witness: bool = False  # a second node, which sends nothing, whose clock is measured


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that happens, in seconds of true time."""

    hosts: tuple[HostLife, ...]
    nodes: tuple[NodeLife, ...]
    link: Link = UART
    crystal: Crystal = field(default_factory=Crystal)
    outages: tuple[Outage, ...] = ()  # of the cable
    lost: float = 0.05  # share of the exchanges without an answer
    wrap: int = 0
    every_s: float = 37.0  # between records
    leap_s: float | None = None  # a second of UTC that comes twice ends here
    ppm: int = 0  # of a node that sleeps while the cable is away, as it says itself


@dataclass(kw_only=True)
class Record:
    """What the gateway has of a record, and the truth."""

    boot: int
    ticks: int
    true_s: float
    arrived_ns: int = 0
    host_boot: int = 0


@dataclass
class Tally:
    """Errors and uncertainties in nanoseconds, and what must never be."""

    errors: list[int] = field(default_factory=list)
    stated: list[int] = field(default_factory=list)
    early: int = 0  # before this program existed
    states: dict[str, int] = field(default_factory=dict)

    def coverage(self) -> float:
        """The share of records whose true error was within the stated uncertainty."""
        held = sum(error <= stated for error, stated in zip(self.errors, self.stated, strict=True))
        return held / len(self.errors)

    def looseness(self) -> float:
        """Median uncertainty in median errors."""
        return median(self.stated) / max(1, median(self.errors))

    def line(self, name: str) -> str:
        """As people read it."""
        return (
            f"{name:34} {len(self.errors):6} {self.coverage():8.4f} {median(self.stated) / 1e6:10.3f}"
            f" {median(self.errors) / 1e6:10.3f} {self.looseness():8.1f}"
        )


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A gateway that is wrong on purpose: the check has to find it."""

    of_exchange: Callable[[Exchange], Exchange] = lambda exchange: exchange
    of_instant: Callable[[UtcInstant], UtcInstant] = lambda instant: instant
    of_reading: Callable[[HostReading], HostReading] = lambda reading: reading
    of_ppm: Callable[[int], int] = lambda ppm: ppm


HONEST = Mistake()


class Simulation:
    """Runs one case."""

    def __init__(self, case: Case, rng: random.Random, tally: Tally, mistake: Mistake) -> None:
        self._case, self._rng, self._tally, self._mistake = case, rng, tally, mistake
        self._shelf = Shelf()
        self._ppm = mistake.of_ppm(case.ppm)
        self._nodes = [
            VirtualNode(
                rng,
                case.crystal,
                case.link,
                boot=number,
                begin_s=each.begin_s,
                end_s=each.end_s,
                wrap=case.wrap,
            )
            for number, each in enumerate(case.nodes, 1)
        ]
        self._waiting: list[Record] = []
        self._came: list[Record] = []
        self._sample_s = rng.uniform(0, case.every_s)

    def run(self) -> None:
        """From the first boot of the host to the end of its last."""
        begin_s = min(node.begin_s for node in self._case.nodes)
        for life in self._case.hosts:
            self._without_host(begin_s, life.begin_s)
            begin_s = life.end_s
            self._with_host(life)

    def _without_host(self, from_s: float, until_s: float) -> None:
        at_s = from_s
        while at_s < until_s:
            self._nodes_live(at_s)
            at_s += 10.0

    def _with_host(self, life: HostLife) -> None:
        clock = VirtualDay(life, self._mistake.of_reading)
        timeline = Timeline(self._shelf, clock, ppm_of=lambda _uid, _boot: self._ppm)
        at_s = life.begin_s
        met: set[int] = set()
        while at_s < life.end_s:
            clock.at_s = at_s
            timeline.observe()
            self._nodes_live(at_s)
            cable = not any(since <= at_s < until for since, until in self._case.outages)
            if cable:
                self._talk(at_s, clock, timeline, met)
            at_s += 0.5 if at_s - life.begin_s < 10 else 1.0 if cable else 5.0
        clock.at_s = life.end_s
        if life is self._case.hosts[-1]:
            timeline.observe()
            for record in self._came:
                self._judge(timeline, record)

    def _nodes_live(self, at_s: float) -> None:
        """Sample; what a node that ended could not send is lost, or kept for its next boot."""
        for node, life in zip(self._nodes, self._case.nodes, strict=True):
            if not life.begin_s <= at_s < life.end_s:
                if at_s >= life.end_s and not life.keeps:
                    self._waiting = [each for each in self._waiting if each.boot != node.boot]
                continue
            ticks = node.ticks(at_s)
            if not life.witness and at_s >= self._sample_s:
                self._waiting.append(Record(boot=node.boot, ticks=ticks, true_s=at_s))
                self._sample_s = at_s + self._case.every_s

    def _talk(self, at_s: float, clock: VirtualDay, timeline: Timeline, met: set[int]) -> None:
        for node, life in zip(self._nodes, self._case.nodes, strict=True):
            if not life.begin_s <= at_s < life.end_s - 1:
                continue
            uid = UID[:-1] + bytes([2 if life.witness else 1])
            if node.boot not in met:
                met.add(node.boot)
                if self._ppm:
                    timeline.sleeps(uid, node.boot, self._ppm)
                timeline.hello(
                    uid, node.boot, node.ticks(at_s), clock.boottime_of(at_s + self._rng.random() / 10)
                )
            elif timeline.exchange_due(uid, node.boot, clock.boottime_ns()):
                exchange = node.exchange(at_s, clock.boottime_of)
                if self._rng.random() >= self._case.lost:
                    timeline.exchange(uid, node.boot, self._mistake.of_exchange(exchange))
            if not life.witness:
                self._deliver(at_s, clock, timeline)

    def _deliver(self, at_s: float, clock: VirtualDay, timeline: Timeline) -> None:
        came = [each for each in self._waiting if each.true_s <= at_s - CAME_S]
        self._waiting = [each for each in self._waiting if each.true_s > at_s - CAME_S]
        for record in came:
            record.arrived_ns, record.host_boot = clock.boottime_of(at_s), timeline.host_boot
            self._judge(timeline, record)
        self._came += came

    def _judge(self, timeline: Timeline, record: Record) -> None:
        instant = self._mistake.of_instant(
            timeline.utc(
                UID, record.boot, record.ticks, arrived_ns=record.arrived_ns, host_boot=record.host_boot
            )
        )
        true_ns = int((UTC_S + record.true_s) * S)
        truths = [true_ns]
        leap_s = self._case.leap_s
        if leap_s is not None and record.true_s >= leap_s:
            truths = [true_ns - S]
            if record.true_s < leap_s + 1:
                truths.append(true_ns)
        self._tally.errors.append(max(abs(instant.utc_ns - each) for each in truths))
        self._tally.stated.append(instant.uncertainty_ns)
        self._tally.early += instant.utc_ns < NO_EARLIER_NS
        self._tally.states[instant.state] = self._tally.states.get(instant.state, 0) + 1


def simulate(
    draw: Callable[[random.Random], Case], *, cases: int, seed: int, mistake: Mistake = HONEST
) -> Tally:
    """Draw and run so many cases."""
    tally = Tally()
    for number in range(cases):
        rng = random.Random(f"{seed} {number}")
        Simulation(draw(rng), rng, tally, mistake).run()
    return tally
