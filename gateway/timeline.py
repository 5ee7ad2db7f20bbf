"""Where every record stands in UTC: node ticks -> boot time of the host -> UTC.

Nothing here is stored with a record. What is stored are exchanges and the host's boots, so a
record's UTC gets better when more is known, also that of former boots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gateway.agreement import Span, agreed
from gateway.host_boots import HostBoots, claimed_ns
from gateway.host_clock import UNSYNCHRONISED_NS
from gateway.node_boots import NodeBoots
from gateway.node_clock import RESOLVED, TIME_PERIOD_S, UNKNOWN, Exchange, TimeState
from gateway.witness import Witnesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.host_boot import HostBootRecord
    from gateway.host_clock import Clock
    from gateway.node_clock import NodeClock

OBSERVE_EVERY_NS = 1_000_000_000  # a step of the wall clock is noticed after this


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """An exchange as it is stored."""

    uid: bytes
    boot: int
    host_boot: int
    exchange: Exchange


class UtcInstant(NamedTuple):
    """A moment in UTC, nanoseconds since 1970. A tuple: two are made for each block published.

    `witness`: the host did not know UTC then; a node that was up before or afterwards has carried it.
    """

    utc_ns: int
    uncertainty_ns: int
    state: TimeState
    witness: bool = False


class TimeStore(Protocol):
    """What the timeline wants of the store."""

    def put_exchange(self, kept: KeptExchange) -> None:
        """Store with the next commit."""
        ...

    def put_host_boot(self, record: HostBootRecord) -> None:
        """Store with the next commit; replaces the record of the same number."""
        ...

    def exchanges(self) -> Iterable[KeptExchange]:
        """All that are stored, in the order they were put."""
        ...

    def host_boots(self) -> Iterable[HostBootRecord]:
        """All that are stored, by number."""
        ...


class Timeline:
    """All node clocks and all boots of the host.

    `ppm_of(uid, boot)` is how far off the ticks of a boot may be, by what is stored of it; 0 of one that
    never slept.
    """

    def __init__(
        self,
        store: TimeStore,
        clock: Clock,
        *,
        time_period_s: float = TIME_PERIOD_S,
        ppm_of: Callable[[bytes, int], int] = lambda _uid, _boot: 0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hosts = HostBoots(store.host_boots(), clock.boot_id)
        self._nodes = NodeBoots(time_period_s, ppm_of)
        self._witnesses = Witnesses(self._hosts)
        self._observe_ns = 0
        for kept in store.exchanges():
            if kept.host_boot in self._hosts:
                self._nodes.restore(kept)
        self.observe()

    @property
    def host_boot(self) -> int:
        """The number of this boot of the host, for records that arrive now."""
        return self._hosts.now.number

    @property
    def synchronised(self) -> bool:
        """True once the host's wall clock was vouched for in this boot."""
        return self._hosts.now.resolved

    def observe(self) -> None:
        """Read the host's clocks: has it been synchronised, has it been stepped?"""
        reading = self._clock.reading()
        self._observe_ns = reading.boottime_ns + OBSERVE_EVERY_NS
        if self._hosts.observe(reading):
            self._store.put_host_boot(self._hosts.now.record())
            self._witnesses.forget()

    def keep(self) -> None:
        """The gateway ends: store how far this boot has been seen."""
        self.observe()
        self._store.put_host_boot(self._hosts.now.record())

    def hello(self, uid: bytes, boot: int, ticks: int, arrived_ns: int) -> None:
        """A HELLO with these ticks arrived in this boot of the host."""
        self._nodes.get(uid, boot, self.host_boot).clock.hello(ticks, arrived_ns)

    def sleeps(self, uid: bytes, boot: int, ppm: int) -> None:
        """This boot of the node sleeps: its ticks may be off by so many ppm."""
        self._nodes.get(uid, boot, self.host_boot).clock.sleeps(ppm)

    def exchange(self, uid: bytes, boot: int, exchange: Exchange) -> None:
        """The node has answered in this boot of the host."""
        if exchange.t4_ns >= self._observe_ns:
            self.observe()
        worth = self._nodes.get(uid, boot, self.host_boot).add(exchange)
        if worth is not None:
            self._store.put_exchange(
                KeptExchange(uid=uid, boot=boot, host_boot=self.host_boot, exchange=worth)
            )

    def exchange_due(self, uid: bytes, boot: int, now_ns: int) -> bool:
        """True when the node should be asked for its time."""
        clock = self._nodes.clocks(uid, boot).get(self.host_boot)
        return clock is None or clock.next_exchange_due(now_ns)

    def node_clock(self, uid: bytes, boot: int) -> tuple[TimeState, int]:
        """How well the node's clock is known where it was last heard, and the uncertainty in ns.

        Of the node alone: the host's own uncertainty comes on top.
        """
        clock = self._nodes.clocks(uid, boot).get(self.host_boot)
        if clock is None:
            return TimeState.UNKNOWN, UNSYNCHRONISED_NS
        instant = clock.latest()
        return instant.state, instant.uncertainty_ns

    def jumps(self) -> int:
        """How often the ticks of a node have leapt, of all clocks kept."""
        return sum(clock.jumps for clocks in self._nodes for clock in clocks.values())

    def utc(self, uid: bytes, boot: int, ticks: int, *, arrived_ns: int, host_boot: int) -> UtcInstant:
        """UTC of a node's ticks; `arrived_ns` of boot `host_boot` is when the record came.

        A node that was up through several boots of the host has a clock in each: what they agree
        on counts, so a node carries the time into a boot that never had it.
        """
        if self._clock.boottime_ns() >= self._observe_ns:
            self.observe()
        found: UtcInstant | None = None
        more: list[UtcInstant] = []
        for number, clock in self._nodes.clocks(uid, boot).items():
            instant = self._by_clock(clock, number, ticks, arrived_ns, host_boot)
            if found is None:
                found = instant
            elif instant is not None:
                more.append(instant)
        if more and found is not None:
            return _agreed([found, *more])
        return found or self._by_arrival(arrived_ns, host_boot)

    def _by_clock(
        self, clock: NodeClock, number: int, ticks: int, arrived_ns: int, host_boot: int
    ) -> UtcInstant | None:
        boottime_ns, node_ns, state = clock.at(ticks)
        if state is UNKNOWN:
            return None
        if number == host_boot and boottime_ns > arrived_ns:
            boottime_ns = arrived_ns  # nothing arrives before it was sampled
        host = self._hosts[number]
        if not host.resolved:
            return self._by_bounds(number, boottime_ns, node_ns, within=number == host_boot)
        utc_ns, host_ns, host_state = host.utc(boottime_ns)
        if host_state is not RESOLVED:
            state = host_state
        witness = number != host_boot and not self._resolved(host_boot)
        return UtcInstant(utc_ns, host_ns + node_ns, state, witness)

    def _by_bounds(self, number: int, boottime_ns: int, node_ns: int, *, within: bool) -> UtcInstant:
        """By the clock of a boot that was never synchronised; `within`: the record came in that boot."""
        host = self._hosts[number]
        bounds = self._hosts.bounds(host, boottime_ns, within=within)
        said = self._witnesses.of(number, self._observe_ns, self._nodes)
        if said:
            spans = [testimony.at(boottime_ns) for testimony in said]
            span = agreed(spans if bounds is None else [*spans, bounds])
            return _instant(span, node_ns, TimeState.PROVISIONAL, witness=True)
        if bounds is not None and bounds.low <= bounds.high:
            return _instant(bounds, node_ns, TimeState.INTERVAL)
        utc_ns = max(self._hosts.lower_ns(number, boottime_ns), claimed_ns(host, boottime_ns))
        return UtcInstant(utc_ns, UNSYNCHRONISED_NS + node_ns, TimeState.PROVISIONAL)

    def _by_arrival(self, arrived_ns: int, host_boot: int) -> UtcInstant:
        if host_boot not in self._hosts:
            utc_ns = self._hosts.lower_ns(host_boot, 0)
        elif self._resolved(host_boot):
            utc_ns = self._hosts[host_boot].utc(arrived_ns)[0]
        else:
            utc_ns = self._by_bounds(host_boot, arrived_ns, 0, within=True).utc_ns
        return UtcInstant(utc_ns, UNSYNCHRONISED_NS, TimeState.UNKNOWN)

    def _resolved(self, host_boot: int) -> bool:
        return host_boot in self._hosts and self._hosts[host_boot].resolved


def _instant(span: Span, more_ns: int, state: TimeState, *, witness: bool = False) -> UtcInstant:
    half_ns = (span.high - span.low) // 2 + 1
    return UtcInstant(span.low + half_ns, half_ns + more_ns, state, witness)


def _agreed(found: list[UtcInstant]) -> UtcInstant:
    """What several clocks of one node say of one moment, in the words of the surest of them.

    Where one says `resolved`, it stays so: that a moment is known is no less true for what others add.
    """
    surest = min(found, key=lambda instant: (instant.state is not TimeState.RESOLVED, instant.uncertainty_ns))
    spans = [Span(i.utc_ns - i.uncertainty_ns, i.utc_ns + i.uncertainty_ns) for i in found]
    span = agreed(spans)
    if span == spans[found.index(surest)]:
        return surest
    return _instant(span, 0, surest.state, witness=surest.witness)
