"""Gathers the status of all parts of the agent into one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.descriptors import Descriptors, Unreadable
from gateway.line import UNREADABLE
from gateway.status import (
    ClockStatus,
    DiskStatus,
    FaultStatus,
    NodeStatus,
    Status,
    StoreStatus,
    program_version,
)
from gateway.store import StoreError, StoreState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config import Config
    from gateway.counters import Conditions, Counters
    from gateway.host_clock import Clock, HostReading
    from gateway.nodes import Node, Nodes
    from gateway.port import PortSupervisor
    from gateway.sinks.mqtt import MqttSink
    from gateway.store import Store
    from gateway.timeline import Timeline
    from gateway.wifi_port import WifiPort

NS_PER_S = 1_000_000_000
NS_PER_US = 1000


def faults(conditions: Conditions) -> tuple[FaultStatus, ...]:
    """What is wrong now, the oldest first."""
    return tuple(
        FaultStatus(name=each.state, subject=each.subject, detail=each.detail, age_s=conditions.age_s(each))
        for each in conditions.faults()
    )


def clock_status(config: Config, reading: HostReading) -> ClockStatus:
    """This host's clock as it was read."""
    if not reading.synchronised:
        return ClockStatus(state="unsynchronised")
    return ClockStatus(
        state="assumed" if config.clock.assume_synchronised else "synchronised",
        utc=datetime.fromtimestamp(reading.realtime_ns / NS_PER_S, UTC).isoformat(timespec="milliseconds"),
        uncertainty_us=reading.uncertainty_ns // NS_PER_US,
    )


def without_store(
    config: Config,
    *,
    uptime_s: float,
    reading: HostReading,
    detail: str,
    mount: str,
    faults: tuple[FaultStatus, ...],
    counters: dict[str, int],
) -> Status:
    """The status of a gateway that waits for its store."""
    return Status(
        version=program_version(),
        gateway=config.gateway.name,
        uptime_s=uptime_s,
        clock=clock_status(config, reading),
        store=StoreStatus(state=StoreState.UNOPENED, detail=detail, stored=0),
        disk=DiskStatus(mount=mount),
        faults=faults,
        counters=counters,
    )


@dataclass(kw_only=True)
class Report:
    """Knows where to ask; keeps nothing but when it was made."""

    config: Config
    clock: Clock
    timeline: Timeline
    store: Store
    descriptors: Descriptors
    nodes: Nodes
    sinks: Sequence[MqttSink]
    ports: Sequence[PortSupervisor | WifiPort]
    counters: Counters
    conditions: Conditions
    mount: str = ""  # what the store is on

    def __post_init__(self) -> None:
        self._began_ns = self.clock.boottime_ns()

    def status(self) -> Status:
        """All of it, now."""
        now_ns = self.clock.boottime_ns()
        return Status(
            version=program_version(),
            gateway=self.config.gateway.name,
            uptime_s=(now_ns - self._began_ns) / NS_PER_S,
            clock=clock_status(self.config, self.clock.reading()),
            store=self._store_status(),
            disk=self._disk_status(),
            ports=tuple(port for supervisor in self.ports for port in supervisor.status()),
            nodes=tuple(self._node_status(node, now_ns) for node in self.nodes),
            sinks=tuple(sink.status() for sink in self.sinks),
            faults=faults(self.conditions),
            counters=self.counters.snapshot(),
        )

    def _store_status(self) -> StoreStatus:
        try:
            stored = self.store.stored
            waiting = {sink.name: self.store.waiting_for(sink.name) for sink in self.sinks}
        except StoreError as error:
            return StoreStatus(state=UNREADABLE, detail=str(error), stored=0)
        return StoreStatus(
            state=self.store.state,
            detail=self.store.detail,
            stored=stored,
            damaged=self.store.damaged,
            waiting=waiting,
            dropped={name: count for name, count in self.store.dropped.items() if count},
        )

    def _disk_status(self) -> DiskStatus:
        try:
            usage = self.store.usage()
        except StoreError:
            return DiskStatus(mount=self.mount)
        room = usage.room
        return DiskStatus(
            mount=self.mount,
            used_octets=room.used_octets if room is not None else None,
            left_octets=max(0, room.left_octets) if room is not None else None,
            limited_by=room.limited_by if room is not None else "",
            lasts_s=usage.lasts_s,
            written_today_octets=usage.written_today,
            written_yesterday_octets=usage.written_yesterday,
            written_per_day_octets=usage.written_per_day,
        )

    def _node_status(self, node: Node, now_ns: int) -> NodeStatus:
        state, uncertainty_ns = self.timeline.node_clock(node.uid, node.boot)
        return NodeStatus(
            uid=node.uid.hex(),
            name=self._name(node),
            port=node.line.path if node.line is not None else None,
            boot=node.boot,
            link=node.link(now_ns),
            seen_ago_s=max(0, now_ns - node.heard_ns) / NS_PER_S if node.heard_ns else None,
            clock=state,
            uncertainty_us=uncertainty_ns // NS_PER_US,
            blocks=node.taken,
            health=dict(node.health.latest) if node.health is not None else {},
        )

    def _name(self, node: Node) -> str:
        """What the node calls itself; its uid where it has no name, or has not described itself yet."""
        if node.hello is None:
            return (node.former.name if node.former is not None else "") or node.uid.hex()
        try:
            return self.descriptors.find(node.hello.desc).name or node.uid.hex()
        except (Unreadable, StoreError):
            return node.uid.hex()
