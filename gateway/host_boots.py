"""All boots of this host and of those whose records were imported, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.agreement import Span
from gateway.host_boot import HostBoot, HostBootRecord
from gateway.host_clock import NO_EARLIER_NS
from gateway.host_piece import drift_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.host_clock import HostReading

HOST_BOOTS = 1000  # the latest ones; records of earlier boots are long delivered


class HostBoots:
    """Boots by number, of which `now` is the present one.

    A boot that was never synchronised lies between those of the same machine that were: after all
    that came before, before all that came after, each of which took its time.
    """

    def __init__(self, records: Iterable[HostBootRecord], boot_id: str) -> None:
        self._boots = {record.number: HostBoot(record) for record in list(records)[-HOST_BOOTS:]}
        self._bounds: dict[int, tuple[int, int | None]] = {}  # by number, until the next observation
        self.now = self._present(boot_id)

    def __contains__(self, number: int) -> bool:
        return number in self._boots

    def __iter__(self) -> Iterator[HostBoot]:
        return iter(self._boots.values())

    def __getitem__(self, number: int) -> HostBoot:
        return self._boots[number]

    def observe(self, reading: HostReading) -> bool:
        """Learn from a reading of the present boot; True when its record should be stored."""
        self._bounds.clear()
        return self.now.observe(reading)

    def bounds(self, host: HostBoot, boottime_ns: int, *, within: bool) -> Span | None:
        """UTC of a moment, by the clock of a boot that was never synchronised; None without an upper bound.

        `within`: the moment is known to lie in that boot, which had ended when the next one began.
        """
        ended_ns = self._bounds_of(host.number)[1]
        if ended_ns is None:
            return None
        left_ns = host.seen_ns - boottime_ns
        if within:
            left_ns = max(0, left_ns)
        return Span(self.lower_ns(host.number, boottime_ns), ended_ns - left_ns + drift_ns(abs(left_ns)))

    def lower_ns(self, number: int, boottime_ns: int) -> int:
        """UTC was at least this at a moment of that boot, known or not."""
        began_ns = self._bounds_of(number)[0]
        return max(NO_EARLIER_NS, began_ns + boottime_ns - drift_ns(abs(boottime_ns)))

    def _bounds_of(self, number: int) -> tuple[int, int | None]:
        """UTC was at least this when the boot began, and at most that when it was last seen."""
        if not self._bounds:
            for machine in {boot.machine for boot in self}:
                self._bound([boot for boot in self if boot.machine == machine])
        return self._bounds.get(number, (NO_EARLIER_NS, None))

    def _bound(self, boots: list[HostBoot]) -> None:
        floors: list[int] = []
        floor_ns = NO_EARLIER_NS
        for boot in boots:
            floors.append(floor_ns)
            lasted_ns = boot.seen_ns - drift_ns(boot.seen_ns)
            floor_ns = max(floor_ns, boot.seen_utc_ns()) if boot.resolved else floor_ns + lasted_ns
        ceiling_ns: int | None = None
        for boot, began_ns in zip(reversed(boots), reversed(floors), strict=True):
            self._bounds[boot.number] = (began_ns, ceiling_ns)
            if boot.resolved:
                ceiling_ns = boot.began_utc_ns()
            elif ceiling_ns is not None:
                ceiling_ns -= boot.seen_ns - drift_ns(boot.seen_ns)

    def _present(self, boot_id: str) -> HostBoot:
        for host in self:
            if host.boot_id == boot_id and not host.machine:
                return host
        number = max(self._boots, default=0) + 1
        host = HostBoot(HostBootRecord(number=number, boot_id=boot_id, seen_ns=0, realtime_ns=0))
        self._boots[number] = host
        return host


def claimed_ns(host: HostBoot, boottime_ns: int) -> int:
    """UTC as the wall clock had it, whatever that is worth."""
    return host.realtime_ns - host.seen_ns + boottime_ns
