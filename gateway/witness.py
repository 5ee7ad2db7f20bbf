"""Nodes that stayed up while the host rebooted: they carry UTC into a boot that never had it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.agreement import Span
from gateway.host_piece import drift_ns
from gateway.node_clock import TimeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.host_boots import HostBoots
    from gateway.node_clock import NodeClock

WITNESSES = 8  # of one boot: the best; more of them agree on nothing better
LOOK_EVERY_NS = 10_000_000_000  # who is a witness is looked up again after this


class Testimony(NamedTuple):
    """At `boottime_ns` of the boot in question UTC minus boottime was within `off_ns` of `offset_ns`."""

    boottime_ns: int
    offset_ns: int
    off_ns: int

    def at(self, boottime_ns: int) -> Span:
        """UTC of another moment of that boot; the host's crystal carries the testimony there."""
        middle_ns = boottime_ns + self.offset_ns
        half_ns = self.off_ns + drift_ns(abs(boottime_ns - self.boottime_ns))
        return Span(middle_ns - half_ns, middle_ns + half_ns)


class Witnesses:
    """What nodes say of boots of the host that were never synchronised."""

    def __init__(self, hosts: HostBoots) -> None:
        self._hosts = hosts
        self._known: dict[int, tuple[int, list[Testimony]]] = {}  # when looked up, by number

    def forget(self) -> None:
        """More may be known now."""
        self._known.clear()

    def of(self, number: int, now_ns: int, clocks: Iterable[Mapping[int, NodeClock]]) -> list[Testimony]:
        """The best testimonies about the boot `number`, at most WITNESSES.

        `clocks`: of each boot of each node those by the boots of the host that measured it.
        """
        known = self._known.get(number)
        if known is not None and now_ns - known[0] < LOOK_EVERY_NS:
            return known[1]
        heard: list[Testimony] = []
        for of_node in clocks:
            asked = of_node.get(number)
            if asked is not None and len(of_node) > 1:
                heard += self._heard(number, asked, of_node)
        best = sorted(heard, key=lambda testimony: testimony.off_ns)[:WITNESSES]
        self._known[number] = (now_ns, best)
        return best

    def _heard(self, number: int, asked: NodeClock, of_node: Mapping[int, NodeClock]) -> list[Testimony]:
        """Of one node: at both ends of its time in the boot, by every other boot that knows UTC."""
        found = []
        for other, clock in of_node.items():
            if other == number or not self._hosts[other].resolved:
                continue
            for ticks in asked.measured_ticks():
                there, here = clock.at(ticks), asked.at(ticks)
                if TimeState.UNKNOWN in (there.state, here.state):
                    continue
                utc_ns, host_ns, _state = self._hosts[other].utc(there.boottime_ns)
                off_ns = host_ns + there.uncertainty_ns + here.uncertainty_ns
                found.append(Testimony(here.boottime_ns, utc_ns - here.boottime_ns, off_ns))
        return found
