"""The clock of every boot of every node, in every boot of the host that met it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.node_clock import QUICK_EXCHANGES, NodeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.node_clock import Exchange
    from gateway.timeline import KeptExchange

KEEP_EVERY_NS = 60_000_000_000  # the best exchange of a minute is stored: wear, not precision
KEEP_RARELY_NS = 1_800_000_000_000  # of a boot that has been up for long: the store keeps the newest ones
KEEP_SHARE = 32  # of a boot's age: how rare, between the two
CLOCKS = 4096  # (node, its boot, host boot); beyond, the longest silent are forgotten


class NodeBoot:
    """One boot of one node in one boot of the host: its clock, and what is to be stored of it."""

    def __init__(self, period_s: float, ppm: int) -> None:
        self.clock = NodeClock(period_s)
        if ppm:
            self.clock.sleeps(ppm)
        self._count = 0
        self._best: Exchange | None = None
        self._began_ns = 0
        self._since_ns = 0

    def add(self, exchange: Exchange) -> Exchange | None:
        """Take the next exchange; give the one that is to be stored now, if any."""
        self.clock.add(exchange)
        return self._worth_storing(exchange)

    def _worth_storing(self, exchange: Exchange) -> Exchange | None:
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


class NodeBoots:
    """Clocks by node, its boot and the host's boot, CLOCKS of them.

    `ppm_of` is Timeline's.
    """

    def __init__(self, period_s: float, ppm_of: Callable[[bytes, int], int]) -> None:
        self._period_s = period_s
        self._ppm_of = ppm_of
        self._boots: dict[tuple[bytes, int], dict[int, NodeBoot]] = {}
        self._clocks: dict[tuple[bytes, int], dict[int, NodeClock]] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Mapping[int, NodeClock]]:
        return iter(self._clocks.values())

    def clocks(self, uid: bytes, boot: int) -> Mapping[int, NodeClock]:
        """The clocks of this boot of the node, by the number of the host's boot."""
        return self._clocks.get((uid, boot), {})

    def get(self, uid: bytes, boot: int, host_boot: int) -> NodeBoot:
        """Of this node in this boot of the host; a new one when they have not met before."""
        # Back in at the end: the nodes longest silent are the first to be forgotten.
        boots = self._boots[uid, boot] = self._boots.pop((uid, boot), {})
        node = boots.get(host_boot)
        if node is None:
            node = boots[host_boot] = NodeBoot(self._period_s, self._ppm_of(uid, boot))
            self._clocks.setdefault((uid, boot), {})[host_boot] = node.clock
            self._count += 1
            while self._count > CLOCKS:
                longest = next(iter(self._boots))
                self._count -= len(self._boots.pop(longest))
                del self._clocks[longest]
        return node

    def restore(self, kept: KeptExchange) -> None:
        """Take an exchange that was stored; they come in the order in which they were."""
        node = self.get(kept.uid, kept.boot, kept.host_boot)
        node.add(kept.exchange)
