"""Where every record stands in UTC: node ticks -> boot time of the host -> UTC.

Nothing here is stored with a record. What is stored are exchanges and the host's boots, so a
record's UTC gets better when more is known, also that of former boots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gateway.host_boot import HostBoot, HostBootRecord
from gateway.host_clock import UNSYNCHRONISED_NS
from gateway.node_clock import QUICK_EXCHANGES, TIME_PERIOD_S, Exchange, NodeClock, TimeState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.host_clock import Clock

NO_EARLIER_NS = 1_767_225_600_000_000_000  # 2026-01-01: this program did not exist before
OBSERVE_EVERY_NS = 1_000_000_000  # a step of the wall clock is noticed after this
KEEP_EVERY_NS = 60_000_000_000  # the best exchange of a minute is stored: wear, not precision
KEEP_RARELY_NS = 1_800_000_000_000  # of a boot that has been up for long: the store keeps the newest ones
KEEP_SHARE = 32  # of a boot's age: how rare, between the two
CLOCKS = 4096  # (node, its boot, host boot); beyond, the longest silent are forgotten
HOST_BOOTS = 1000  # the latest ones; records of earlier boots are long delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """An exchange as it is stored."""

    uid: bytes
    boot: int
    host_boot: int
    exchange: Exchange


class UtcInstant(NamedTuple):
    """A moment in UTC, nanoseconds since 1970. A tuple: two are made for each block published."""

    utc_ns: int
    uncertainty_ns: int
    state: TimeState


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


class _NodeBoot:
    """One boot of one node in one boot of the host: its clock, and what is to be stored of it."""

    def __init__(self, period_s: float) -> None:
        self.clock = NodeClock(period_s)
        self._count = 0
        self._best: Exchange | None = None
        self._began_ns = 0
        self._since_ns = 0

    def worth_storing(self, exchange: Exchange) -> Exchange | None:
        """The exchange to store now: the first ones each, then the best of ever longer periods."""
        if not exchange.plausible():
            return None
        if not self._count:
            self._began_ns = exchange.t1_ns
        self._count += 1
        if self._count <= QUICK_EXCHANGES:
            self._since_ns = exchange.t1_ns
            return exchange
        if self._best is None or exchange.rtt_ns <= self._best.rtt_ns:
            self._best = exchange
        period_ns = min(max(KEEP_EVERY_NS, (exchange.t1_ns - self._began_ns) // KEEP_SHARE), KEEP_RARELY_NS)
        if exchange.t1_ns - self._since_ns < period_ns:
            return None
        best, self._best, self._since_ns = self._best, None, exchange.t1_ns
        return best


class Timeline:
    """All node clocks and all boots of the host."""

    def __init__(self, store: TimeStore, clock: Clock, *, time_period_s: float = TIME_PERIOD_S) -> None:
        self._store = store
        self._clock = clock
        self._period_s = time_period_s
        self._boots = {r.number: HostBoot(r) for r in list(store.host_boots())[-HOST_BOOTS:]}
        self._nodes: dict[tuple[bytes, int], dict[int, _NodeBoot]] = {}
        self._count = 0
        self._floors: dict[int, int] = {}  # by host boot, until the next observation
        self._now = self._present(clock.boot_id)
        self._observe_ns = 0
        for kept in store.exchanges():
            if kept.host_boot in self._boots:
                node = self._node(kept.uid, kept.boot, kept.host_boot)
                node.worth_storing(kept.exchange)
                node.clock.add(kept.exchange)
        self.observe()

    @property
    def host_boot(self) -> int:
        """The number of this boot of the host, for records that arrive now."""
        return self._now.number

    @property
    def synchronised(self) -> bool:
        """True once the host's wall clock was vouched for in this boot."""
        return self._now.resolved

    def observe(self) -> None:
        """Read the host's clocks: has it been synchronised, has it been stepped?"""
        reading = self._clock.reading()
        self._observe_ns = reading.boottime_ns + OBSERVE_EVERY_NS
        self._floors.clear()
        if self._now.observe(reading):
            self._store.put_host_boot(self._now.record())

    def hello(self, uid: bytes, boot: int, ticks: int, arrived_ns: int) -> None:
        """A HELLO with these ticks arrived in this boot of the host."""
        self._node(uid, boot, self.host_boot).clock.hello(ticks, arrived_ns)

    def exchange(self, uid: bytes, boot: int, exchange: Exchange) -> None:
        """The node has answered in this boot of the host."""
        if exchange.t4_ns >= self._observe_ns:
            self.observe()
        node = self._node(uid, boot, self.host_boot)
        node.clock.add(exchange)
        worth = node.worth_storing(exchange)
        if worth is not None:
            self._store.put_exchange(
                KeptExchange(uid=uid, boot=boot, host_boot=self.host_boot, exchange=worth)
            )

    def exchange_due(self, uid: bytes, boot: int, now_ns: int) -> bool:
        """True when the node should be asked for its time."""
        node = self._nodes.get((uid, boot), {}).get(self.host_boot)
        return node is None or node.clock.next_exchange_due(now_ns)

    def node_clock(self, uid: bytes, boot: int) -> tuple[TimeState, int]:
        """How well the node's clock is known where it was last heard, and the uncertainty in ns.

        Of the node alone: the host's own uncertainty comes on top.
        """
        node = self._nodes.get((uid, boot), {}).get(self.host_boot)
        if node is None:
            return TimeState.UNKNOWN, UNSYNCHRONISED_NS
        instant = node.clock.latest()
        return instant.state, instant.uncertainty_ns

    def jumps(self) -> int:
        """How often the ticks of a node have leapt, of all clocks kept."""
        return sum(node.clock.jumps for nodes in self._nodes.values() for node in nodes.values())

    def utc(self, uid: bytes, boot: int, ticks: int, *, arrived_ns: int, host_boot: int) -> UtcInstant:
        """UTC of a node's ticks; `arrived_ns` of boot `host_boot` is when the record came.

        A node that was up through several boots of the host has a clock in each: the one that
        knows best is asked, so a node carries the time into a boot that never had it.
        """
        if self._clock.boottime_ns() >= self._observe_ns:
            self.observe()
        best: UtcInstant | None = None
        for number, node in self._nodes.get((uid, boot), {}).items():
            boottime_ns, node_ns, state = node.clock.at(ticks)
            if state is TimeState.UNKNOWN:
                continue
            if number == host_boot and boottime_ns > arrived_ns:
                boottime_ns = arrived_ns  # nothing arrives before it was sampled
            instant = self._by_host(self._boots[number], boottime_ns, node_ns, state)
            if best is None or instant.uncertainty_ns < best.uncertainty_ns:
                best = instant
        return best or self._by_arrival(arrived_ns, host_boot)

    def _by_host(self, host: HostBoot, boottime_ns: int, node_ns: int, state: TimeState) -> UtcInstant:
        if host.resolved:
            utc_ns, host_ns, held = host.utc(boottime_ns)
            if held and state is TimeState.RESOLVED:
                state = TimeState.PROVISIONAL
            return UtcInstant(utc_ns, host_ns + node_ns, state)
        low_ns = self._floor(host.number) + boottime_ns
        high_ns = self._ceiling(host, boottime_ns)
        if high_ns is not None and high_ns >= low_ns:
            half_ns = (high_ns - low_ns) // 2 + 1
            return UtcInstant(low_ns + half_ns, half_ns + node_ns, TimeState.INTERVAL)
        claimed_ns = host.realtime_ns - host.seen_ns + boottime_ns
        return UtcInstant(max(low_ns, claimed_ns), UNSYNCHRONISED_NS + node_ns, TimeState.PROVISIONAL)

    def _by_arrival(self, arrived_ns: int, host_boot: int) -> UtcInstant:
        host = self._boots.get(host_boot)
        if host is None:
            return UtcInstant(self._floor(host_boot), UNSYNCHRONISED_NS, TimeState.UNKNOWN)
        utc_ns = self._by_host(host, arrived_ns, 0, TimeState.RESOLVED).utc_ns
        return UtcInstant(utc_ns, UNSYNCHRONISED_NS, TimeState.UNKNOWN)

    def _floor(self, host_boot: int) -> int:
        """UTC was at least this when the host booted: later than all that earlier boots knew."""
        floor_ns = self._floors.get(host_boot)
        if floor_ns is None:
            earlier = [boot.latest_utc_ns() for number, boot in self._boots.items() if number < host_boot]
            floor_ns = max([NO_EARLIER_NS, *(latest for latest in earlier if latest is not None)])
            self._floors[host_boot] = floor_ns
        return floor_ns

    def _ceiling(self, host: HostBoot, boottime_ns: int) -> int | None:
        """UTC was at most this: the next boot that knows began after this one was last seen."""
        later = (number for number, boot in self._boots.items() if number > host.number and boot.resolved)
        following = min(later, default=None)
        if following is None:
            return None
        began_ns, uncertainty_ns, _held = self._boots[following].utc(0)
        return began_ns + uncertainty_ns - max(0, host.seen_ns - boottime_ns)

    def _present(self, boot_id: str) -> HostBoot:
        for host in self._boots.values():
            if host.boot_id == boot_id:
                return host
        number = max(self._boots, default=0) + 1
        host = HostBoot(HostBootRecord(number=number, boot_id=boot_id, seen_ns=0, realtime_ns=0))
        self._boots[number] = host
        return host

    def _node(self, uid: bytes, boot: int, host_boot: int) -> _NodeBoot:
        # Back in at the end: the nodes longest silent are the first to be forgotten.
        nodes = self._nodes[uid, boot] = self._nodes.pop((uid, boot), {})
        node = nodes.get(host_boot)
        if node is None:
            node = nodes[host_boot] = _NodeBoot(self._period_s)
            self._count += 1
            while self._count > CLOCKS:
                self._count -= len(self._nodes.pop(next(iter(self._nodes))))
        return node
