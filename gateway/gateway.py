"""The gateway: it always starts, and works as soon as its store can be opened."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.agent import Agent
from gateway.counters import Conditions, Counters
from gateway.host_clock import HostClock
from gateway.report import NS_PER_S, faults, without_store
from gateway.state_directory import StateDirectory
from gateway.status import SOCKET_NAME, Status, StatusServer
from gateway.store import UNKNOWN_DAY, StoreError, StoreState
from gateway.systemd_notify import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.config import Config

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 30.0
IN_USE = "in_use"
NS_PER_DAY = 86_400 * NS_PER_S


class Gateway:
    """One gateway. `run` once; `status` at any time while it runs.

    As long as the store cannot be opened no port is: the nodes keep what they have. The status is
    served, and opening is tried again. `capture` names a directory for the raw octets of every line.
    """

    def __init__(self, config: Config, *, capture: Path | None = None) -> None:
        self.progress = Progress()
        self._config = config
        self._capture = capture
        self._counters = Counters()
        self._conditions = Conditions(self._counters)
        self._clock = HostClock(assume_synchronised=config.clock.assume_synchronised)
        self._began_ns = self._clock.boottime_ns()
        self._directory = StateDirectory(config, self._conditions, self._today)
        self._agent: Agent | None = None
        self._fault = ""  # why there is no agent

    async def run(self) -> None:
        """Work until cancelled. Whatever is taken by then is on disk or not acknowledged.

        Raises StoreError `in_use` when another agent has the state directory: nothing else of the
        store ends it.
        """
        # Before the status is served: the socket of another agent must stay its own.
        await self._try_to_open()
        server = StatusServer(self._config.gateway.state_directory / SOCKET_NAME, self.status)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run(), name="status")
            pause_s = RETRY_FIRST_S
            while self._agent is None:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_MOST_S)
                await self._try_to_open()
            await self._agent.run()

    def status(self) -> Status:
        """How the gateway is now."""
        if self._agent is not None:
            return self._agent.status()
        return without_store(
            self._config,
            uptime_s=(self._clock.boottime_ns() - self._began_ns) / NS_PER_S,
            reading=self._clock.reading(),
            detail=self._fault,
            mount=self._directory.mount,
            faults=faults(self._conditions),
            counters=self._counters.snapshot(),
        )

    def _today(self) -> int:
        """The day of UTC since 1970, if the wall clock can be believed."""
        reading = self._clock.reading()
        return reading.realtime_ns // NS_PER_DAY if reading.synchronised else UNKNOWN_DAY

    async def _try_to_open(self) -> None:
        try:
            store = await self._directory.open_store()
            try:
                self._agent = Agent(
                    self._config,
                    store,
                    clock=self._clock,
                    counters=self._counters,
                    conditions=self._conditions,
                    progress=self.progress,
                    mount=self._directory.mount,
                    capture=self._capture,
                )
            except BaseException:
                await store.close()
                raise
        except StoreError as error:
            if error.reason == IN_USE:
                raise
            self._fault = self._directory.said(error)
            self._conditions.set("store", StoreState.UNOPENED, self._fault)
        else:
            self._conditions.clear("store")
