"""What a node tells of itself in its group `health` (docs/firmware.md), and what of it is a fault."""

from __future__ import annotations

from enum import StrEnum
from errno import ENOMEM, ENOSPC
from typing import TYPE_CHECKING

from gateway.descriptors import Unreadable
from gateway.store import StoreError
from wire.errors import WireError
from wire.scans import scans_of
from wire.up import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.counters import Conditions
    from gateway.descriptors import Descriptors
    from gateway.nodes import Node
    from wire.up import Gap, Hello

GROUP = "health"
CALM_US = 3_600_000_000  # of the node's time: a loss is a fault for so long
PIECE_OCTETS = 4096  # the queue gets no page without so much of the heap in one piece
QUEUE_OCTETS = 2048  # with more than that in it, the queue itself may have the heap
_FLASH = {ENOSPC: "it is full", ENOMEM: "the heap has no room for it"}


class NodeFault(StrEnum):
    """What a node says is wrong with it, the gravest first. `fieldgate status` shows the first that is so."""

    FLASH = "node_flash"
    LOSING = "node_losing"
    SENSORS = "node_sensors"
    MEMORY = "node_memory"


class NodeHealth:
    """Of one boot with one descriptor. `latest` has the values of the latest reading by their names."""

    def __init__(self, boot: int, descriptor: bytes, group: int | None, names: tuple[str, ...]) -> None:
        self.boot = boot
        self.descriptor = descriptor
        self.group = group  # None: nothing is told
        self.latest: dict[str, int] = {}
        self._names = names
        self._lost_us: int | None = None  # when records were last lost

    def take(self, block: Block) -> None:
        """Take a block of the group."""
        try:
            scan = scans_of(block, len(self._names))[-1]
        except (WireError, IndexError):
            return  # it is stored, and published as what it is
        told = {name: value for name, value in zip(self._names, scan, strict=True) if value is not None}
        lost = told.get("records_lost", 0)
        if lost > self.latest.get("records_lost", lost):
            self._lost_us = block.t_first
        elif self._lost_us is not None and block.t_first - self._lost_us > CALM_US:
            self._lost_us = None
        self.latest = told

    def faults(self) -> Iterator[tuple[NodeFault, str]]:
        """What is wrong, the gravest first, each with its detail."""
        told = self.latest
        if errno := told.get("flash_fault"):
            yield NodeFault.FLASH, f"its queue cannot go to flash: {_FLASH.get(errno, f'errno {errno}')}"
        if self._lost_us is not None:
            yield NodeFault.LOSING, f"{told.get('records_lost', 0)} records lost in this boot"
        if given_up := told.get("sensors_given_up"):
            yield NodeFault.SENSORS, f"{given_up} given up: absent, broken or another chip"
        piece = told.get("heap_piece", PIECE_OCTETS)
        if piece < PIECE_OCTETS and told.get("queue_ram", 0) < QUEUE_OCTETS:
            yield NodeFault.MEMORY, f"{told.get('heap_free', 0)} octets free, {piece} in one piece"


class HealthWatch:
    """Looks at what nodes store of their health, and keeps a condition of each where something is wrong."""

    def __init__(self, descriptors: Descriptors, conditions: Conditions) -> None:
        self._descriptors = descriptors
        self._conditions = conditions

    def take(self, node: Node, hello: Hello, record: Block | Gap) -> None:
        """Look at a record, if it is of the boot that `hello` begins. Cheap for one of another group."""
        if record.boot != hello.boot:
            return
        health = node.health
        if health is None or health.boot != hello.boot or health.descriptor != hello.desc:
            health = node.health = self._begun(hello.boot, hello.desc)
            self._conditions.clear(_subject(node))
        if not isinstance(record, Block) or record.group != health.group:
            return
        health.take(record)
        for fault, detail in health.faults():
            self._conditions.set(_subject(node), fault, detail)
            return
        self._conditions.clear(_subject(node))

    def _begun(self, boot: int, descriptor: bytes) -> NodeHealth:
        try:
            groups = self._descriptors.find(descriptor).groups
        except (Unreadable, StoreError):
            groups = ()  # whoever publishes it says so
        for number, group in enumerate(groups):
            if group.name == GROUP:
                return NodeHealth(boot, descriptor, number, tuple(each.name for each in group.channels))
        return NodeHealth(boot, descriptor, None, ())


def _subject(node: Node) -> str:
    return f"node {node.name}"
