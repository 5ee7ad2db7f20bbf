"""All that runs in a demo: nodes, broker, subscriber, gateway; started and ended in order."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from urllib.parse import urlsplit

from gateway.sink_config import MQTT_PORT
from hil_tests.broker import Broker
from hil_tests.demo.guard import Guard
from hil_tests.demo.nodes import Nodes
from hil_tests.demo.options import Options
from hil_tests.demo.stop import Stop
from hil_tests.demo.subscriber import Subscriber
from hil_tests.gateway import GatewayProcess

SUBSCRIBE_S = 2.0  # a broker that takes longer is treated as one that does not answer


class Parts:
    """An asynchronous context manager; whatever happens in it, nothing is left after it."""

    def __init__(self, options: Options, stop: Stop) -> None:
        self._options = options
        self._stop = stop
        self._undo = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Make all parts, start none. Raises ProgramMissing."""
        try:
            self._make()
        except BaseException:
            await self._undo.aclose()
            raise
        return self

    def _make(self) -> None:
        folder = TemporaryDirectory(prefix="fieldgate-demo-", ignore_cleanup_errors=True)
        directory = Path(self._undo.enter_context(folder))
        self._undo.enter_context(Guard(directory))
        self.nodes = Nodes(self._options.nodes, directory / "nodes")
        self._broker = None if self._options.broker else Broker(directory / "broker")
        url = self._broker.url if self._broker else self._options.broker or ""
        # A name of its own: on a broker that others use, nobody's topics are touched.
        name = f"demo-{secrets.token_hex(3)}"
        parts = urlsplit(url)
        self.subscriber = Subscriber(parts.hostname or "", parts.port or MQTT_PORT, name)
        self.gateway = GatewayProcess(
            directory,
            name=name,
            ports=self.nodes.ports,
            brokers={"mqtt": url},
            capture=self._options.capture,
        )

    async def __aexit__(self, *_: object) -> None:
        await self._undo.aclose()

    async def start(self) -> None:
        """Start all parts, or as many as there is time for before somebody ends the demo.

        Raises ProgramMissing, NotBuilt, FlashFault, BoardHostFailed or BrokerError.
        """
        await self._start_nodes_and_broker()
        if not self._stop.asked.is_set():
            self._undo.push_async_callback(self._end_subscriber)
            self.subscriber.start()
            # Before the gateway: a broker may refuse what nobody has subscribed to.
            await asyncio.to_thread(self.subscriber.wait_subscribed, SUBSCRIBE_S)
        if not self._stop.asked.is_set():
            self._undo.push_async_callback(asyncio.to_thread, self.gateway.stop)
            await asyncio.to_thread(self.gateway.start)

    async def _start_nodes_and_broker(self) -> None:
        self._undo.push_async_callback(asyncio.to_thread, self.nodes.stop)
        starting = [asyncio.to_thread(self.nodes.start)]
        if self._broker is not None:
            self._undo.push_async_callback(asyncio.to_thread, self._broker.stop)
            starting.append(asyncio.to_thread(self._broker.start))
        for outcome in await asyncio.gather(*starting, return_exceptions=True):
            # A terminal's Ctrl-C also ends the compiler, which is then no failure.
            if isinstance(outcome, BaseException) and not self._stop.asked.is_set():
                raise outcome

    async def _end_subscriber(self) -> None:
        somebody_elses = self._broker is None
        await asyncio.to_thread(self.subscriber.stop, clear_status=somebody_elses)
