"""The agent: ports, nodes, clock, store and sinks as one supervised task group."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gateway.capture import Capture
from gateway.counters import Conditions, Counters
from gateway.host_clock import HostClock
from gateway.line import STORE_FILE, UNREADABLE, Line
from gateway.nodes import Nodes
from gateway.port import PortSupervisor
from gateway.report import Report
from gateway.services import Services
from gateway.sinks.mqtt import MqttSink, SinkState
from gateway.status import SOCKET_NAME, Status, StatusServer
from gateway.store import Store, StoreError, StoreState, quarantine
from gateway.systemd_notify import Progress
from gateway.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.config import Config, PortConfig
    from gateway.serial_port import SerialPort
    from gateway.store import Arrival

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0


class Agent:
    """One gateway. `run` once; `status` at any time while it runs.

    `capture` names a directory for the raw octets of every line.
    """

    def __init__(self, config: Config, *, capture: Path | None = None) -> None:
        self.progress = Progress()
        self._config = config
        self._capture = Capture(capture) if capture is not None else None
        self._counters = Counters()
        self._conditions = Conditions(self._counters)
        self._clock = HostClock(assume_synchronised=config.clock.assume_synchronised)
        self._store = self._open_store(config.gateway.state_directory, config.store.group_commit_ms)
        self._timeline = Timeline(self._store, self._clock, time_period_s=config.clock.time_period_s)
        self._nodes = Nodes(self._store)
        self._services = Services(
            name=config.gateway.name,
            nodes=self._nodes,
            store=self._store,
            timeline=self._timeline,
            clock=self._clock,
            counters=self._counters,
            conditions=self._conditions,
            capture=self._capture,
        )
        self._sinks = [
            MqttSink(
                sink,
                gateway=config.gateway.name,
                store=self._store,
                timeline=self._timeline,
                clock=self._clock,
                counters=self._counters,
                conditions=self._conditions,
            )
            for sink in config.mqtt_sinks
        ]
        taken: set[str] = set()
        self._ports = [self._supervisor(port, taken) for port in config.ports]
        self._report = Report(
            config=config,
            clock=self._clock,
            timeline=self._timeline,
            store=self._store,
            nodes=self._nodes,
            sinks=self._sinks,
            ports=self._ports,
            counters=self._counters,
            conditions=self._conditions,
        )
        self._tell_of_unknown_sinks()
        self._writing = self.progress.stage("store")
        self._has_to_write = True

    async def run(self) -> None:
        """Work until cancelled. Whatever is taken by then is on disk or not acknowledged."""
        self._store.start(self._on_committed, self._on_refused)
        server = StatusServer(self._config.gateway.state_directory / SOCKET_NAME, self.status)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(server.run(), name="status")
                tasks.create_task(self._keep_house(), name="housekeeping")
                for sink in self._sinks:
                    tasks.create_task(sink.run(), name=f"sink {sink.name}")
                for supervisor in self._ports:
                    tasks.create_task(supervisor.run(), name="ports")
        finally:
            await self._store.close()
            if self._capture is not None:
                self._capture.close()

    def status(self) -> Status:
        """How the gateway is now."""
        return self._report.status()

    def _open_store(self, directory: Path, group_commit_ms: int) -> Store:
        """The store; a new one where its file is damaged. Raises StoreError."""
        try:
            store = Store.open(directory, group_commit_ms=group_commit_ms)
        except StoreError as error:
            if error.reason != "corrupt":
                raise
            try:
                place = quarantine.set_aside(directory)
            except OSError as refused:
                raise error from refused
            log.warning("store: %s; kept in %s, begun anew", error, place)
            store = Store.open(directory, group_commit_ms=group_commit_ms)
        kept = quarantine.kept(directory)
        if kept:
            detail = f"{len(kept)} damaged, the latest in {kept[-1]}; records in it are not delivered"
            self._conditions.set("store quarantine", quarantine.QUARANTINED, detail)
        return store

    def _supervisor(self, config: PortConfig, taken: set[str]) -> PortSupervisor:
        async def serve(port: SerialPort) -> None:
            await Line(port, self._services, config.window).serve()

        return PortSupervisor(
            config, serve, taken=taken, counters=self._counters, conditions=self._conditions
        )

    def _tell_of_unknown_sinks(self) -> None:
        """The store keeps every record for a sink that a former configuration named."""
        for name in self._store.sinks().keys() - {sink.name for sink in self._sinks}:
            detail = "records are kept for it, and it is not in the configuration"
            self._conditions.set(f"sink {name}", SinkState.NOT_CONFIGURED, detail)

    def _on_committed(self, arrivals: Sequence[Arrival]) -> None:
        self._conditions.clear("store")
        self._writing.moved()
        self._nodes.committed(arrivals)
        for sink in self._sinks:
            sink.wake()

    def _on_refused(self, arrivals: Sequence[Arrival], error: Exception) -> None:
        self._conditions.set("store", "degraded", str(error))
        self._counters.count("commits_refused")
        self._nodes.refused(arrivals)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            self._timeline.observe()
            self._forget_delivered()
            self._watch_writing()

    def _forget_delivered(self) -> None:
        try:
            self._store.forget_delivered()
        except (StoreError, OSError) as error:
            self._conditions.set(STORE_FILE, UNREADABLE, str(error))
        else:
            self._conditions.clear(STORE_FILE)
        if self._store.state is StoreState.DEGRADED:
            self._conditions.set("store", "degraded", self._store.detail)
        elif self._store.state is StoreState.OPEN:
            self._conditions.clear("store")

    def _watch_writing(self) -> None:
        # A commit that hangs counts, and so does a writer that has ended: a restart may help both.
        has_to_write = self._store.unsettled or self._store.state is StoreState.FAILED
        if not has_to_write:
            self._writing.idle("nothing to write")
        elif not self._has_to_write:
            self._writing.moved()
        self._has_to_write = has_to_write
