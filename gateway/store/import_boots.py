"""Boots of another gateway's host among the boots that are known here.

The numbers of one machine's boots ascend in the order in which they were, for that is what times are
bounded with. A boot whose place in that order cannot be told becomes one of a machine of its own: then
nothing is concluded from its neighbours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.host_boot import HostBootRecord


class BootMap:
    """Gives the boots of an archive their numbers and machines here."""

    def __init__(self, known: Iterable[HostBootRecord], here: str) -> None:
        """`known`: the boots in the store, by number; `here`: this machine's name, which is "" in them."""
        self._known = {boot.boot_id: boot for boot in known}
        self._here = here
        self._latest = {boot.machine: boot.number for boot in sorted(self._known.values(), key=_number)}
        self._next = max((boot.number for boot in self._known.values()), default=0) + 1
        self._ends: dict[str, str | None] = {}  # by machine in the archive: the machine here that goes on
        self.numbers: dict[int, int] = {}  # from the archive's to those here

    def put(self, boot: HostBootRecord) -> HostBootRecord | None:
        """The next boot of the archive as it is to be stored; None where nothing new is known of it."""
        theirs = "" if boot.machine == self._here else boot.machine
        known = self._known.get(boot.boot_id)
        if known is not None:
            self.numbers[boot.number] = known.number
            self._ends[theirs] = known.machine if self._latest[known.machine] == known.number else None
            return (
                replace(boot, number=known.number, machine=known.machine)
                if _tells_more(boot, known)
                else None
            )
        # What came right after a boot that is the latest here comes next; of no other is that certain.
        unheard = None if theirs in self._latest else theirs
        machine = self._ends.get(theirs, unheard)
        if machine is None:
            machine = self._fresh(theirs)
        placed = replace(boot, number=self._next, machine=machine)
        self._next += 1
        self._known[boot.boot_id] = placed
        self._latest[machine] = placed.number
        self._ends[theirs] = machine
        self.numbers[boot.number] = placed.number
        return placed

    def _fresh(self, theirs: str) -> str:
        """A machine that nobody has: the same one, of which nothing is known."""
        count = 1
        while (name := f"{theirs or self._here}.{count}") in self._latest:
            count += 1
        return name


def _tells_more(boot: HostBootRecord, known: HostBootRecord) -> bool:
    """Whether the archive was made later in this boot, or by then its time was known."""
    return (boot.offset_ns is not None, boot.seen_ns) > (known.offset_ns is not None, known.seen_ns)


def _number(boot: HostBootRecord) -> int:
    return boot.number
