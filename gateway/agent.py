"""The agent: ports, nodes, timeline and sinks over an open store, as one supervised task group."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.capture import Capture
from gateway.control import CONTROL_NAME, ControlServer
from gateway.dead_letter_desk import DeadLetterDesk
from gateway.descriptors import Descriptors
from gateway.line import STORE_FILE, UNREADABLE, Line
from gateway.nodes import Nodes
from gateway.port import PortSupervisor
from gateway.remote_desk import RemoteDesk
from gateway.report import Report
from gateway.services import Services
from gateway.sinks.mqtt import MqttSink
from gateway.sinks.sink_state import SinkState
from gateway.sleepers import expect, ppm_of
from gateway.store import StoreError, StoreState, quarantine
from gateway.timeline import Timeline
from gateway.wifi_port import WifiPort

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.config import Config, PortConfig
    from gateway.counters import Conditions, Counters
    from gateway.host_clock import Clock
    from gateway.serial_port import SerialPort
    from gateway.status import Status
    from gateway.store import Arrival, Store, Stored
    from gateway.store.salvage import Result
    from gateway.systemd_notify import Progress
    from gateway.wifi_config import WifiConfig
    from gateway.wifi_line import WifiLine

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 1.0
REFUSES_ITSELF = {"sequence", "unstorable"}  # records, whatever the disk is like
STORE_READY_S = 1.0  # a large WAL is on the disk by then; the ports wait no longer


class Agent:
    """Everything that works over an open store, which it closes. `run` once.

    `capture` names a directory for the raw octets of every line, `mount` is what the store is on.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        clock: Clock,
        counters: Counters,
        conditions: Conditions,
        progress: Progress,
        mount: str = "",
        capture: Path | None = None,
    ) -> None:
        self._config = config
        self._capture = Capture(capture) if capture is not None else None
        self._counters = counters
        self._conditions = conditions
        self._clock = clock
        self._store = store
        self._timeline = Timeline(
            self._store,
            self._clock,
            time_period_s=config.clock.time_period_s,
            ppm_of=lambda uid, boot: ppm_of(self._store, uid, boot),
        )
        self._nodes = Nodes(self._store)
        descriptors = Descriptors(self._store)
        self._services = Services(
            name=config.gateway.name,
            nodes=self._nodes,
            store=self._store,
            descriptors=descriptors,
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
        self._ports: list[PortSupervisor | WifiPort] = [
            *(self._supervisor(port, taken) for port in config.ports),
            *(self._wifi(broker) for broker in config.wifi),
        ]
        self._report = Report(
            config=config,
            clock=self._clock,
            timeline=self._timeline,
            store=self._store,
            descriptors=descriptors,
            nodes=self._nodes,
            sinks=self._sinks,
            ports=self._ports,
            counters=self._counters,
            conditions=self._conditions,
            mount=mount,
        )
        self._tell_of_unknown_sinks()
        self._writing = progress.stage("store")
        self._has_to_write = True

    async def run(self) -> None:
        """Work until cancelled. Whatever is taken by then is on disk or not acknowledged."""
        self._store.start(
            self._on_committed,
            self._on_refused,
            on_damaged=self._on_damaged,
            on_renewed=self._on_renewed,
            on_salvaged=self._on_salvaged,
        )
        desk = DeadLetterDesk(self._store.dead_letters, self._wake_sinks)
        remote = RemoteDesk(self._nodes)
        operations = desk.operations() | remote.operations()
        control = ControlServer(self._config.gateway.state_directory / CONTROL_NAME, operations)
        try:
            with suppress(TimeoutError, StoreError):
                # A node that asks before the store knows what it has would wait a second.
                async with asyncio.timeout(STORE_READY_S):
                    await self._store.flush()
            expect(self._nodes, self._store, self._timeline.host_boot, self._clock.boottime_ns())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(control.run(), name="control")
                tasks.create_task(remote.run(), name="remote")
                tasks.create_task(self._keep_house(), name="housekeeping")
                for sink in self._sinks:
                    tasks.create_task(sink.run(), name=f"sink {sink.name}")
                for supervisor in self._ports:
                    tasks.create_task(supervisor.run(), name="ports")
        finally:
            self._timeline.keep()
            await self._store.close()
            if self._capture is not None:
                self._capture.close()

    def status(self) -> Status:
        """How the gateway is now."""
        return self._report.status()

    def _wake_sinks(self) -> None:
        for sink in self._sinks:
            sink.wake()

    def _supervisor(self, config: PortConfig, taken: set[str]) -> PortSupervisor:
        async def serve(port: SerialPort) -> None:
            await Line(port, self._services, config.window).serve()

        return PortSupervisor(
            config, serve, taken=taken, counters=self._counters, conditions=self._conditions
        )

    def _wifi(self, config: WifiConfig) -> WifiPort:
        async def serve(line: WifiLine) -> None:
            await Line(line, self._services, config.window).serve()

        return WifiPort(
            config,
            serve,
            counters=self._counters,
            conditions=self._conditions,
            clock=self._clock,
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
        self._wake_sinks()

    def _on_refused(self, arrivals: Sequence[Arrival], error: StoreError) -> None:
        if error.reason in REFUSES_ITSELF:
            log.warning("store: %d records refused: %s", len(arrivals), error)
            self._counters.count("records_refused", len(arrivals))
        else:
            self._conditions.set("store", "degraded", str(error))
            self._counters.count("commits_refused")
        self._nodes.refused(arrivals)

    def _on_renewed(self) -> None:
        """The store has begun anew, and may know less of a stream than it did: the nodes tell again."""
        self._nodes.forget()
        self._tell_of_quarantine()

    def _on_salvaged(self, result: Result) -> None:
        folders = ", ".join(str(folder) for folder in result.folders)
        log.warning(
            "store: salvaged %s: %d records taken over, %d named as lost",
            folders,
            result.records,
            result.missing,
        )
        self._counters.count("records_salvaged", result.records)
        self._counters.count("records_damaged", result.missing)
        self._tell_of_quarantine()

    def _tell_of_quarantine(self) -> None:
        found = quarantine.said(self._config.gateway.state_directory)
        if found is not None:
            self._conditions.set(quarantine.SUBJECT, *found)

    def _on_damaged(self, _stored: Stored) -> None:
        detail = f"{self._store.damaged} since the start; named as lost, kept in {quarantine.ROWS}"
        self._conditions.set("stored records", quarantine.DAMAGED, detail)

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
        fault = self._store.room_fault
        if fault is not None:
            self._conditions.set("store room", *fault)
        else:
            self._conditions.clear("store room")

    def _watch_writing(self) -> None:
        # A commit that hangs counts, and so does a writer that has ended: a restart may help both.
        has_to_write = self._store.unsettled or self._store.state is StoreState.FAILED
        if not has_to_write:
            self._writing.idle("nothing to write")
        elif not self._has_to_write:
            self._writing.moved()
        self._has_to_write = has_to_write
