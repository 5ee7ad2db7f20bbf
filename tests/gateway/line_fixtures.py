"""What tests of a line stand on: a real store, a real pty and the node's own session."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.capture import Capture
from gateway.counters import Conditions, Counters
from gateway.descriptors import Descriptors
from gateway.host_clock import HostClock
from gateway.line import Line
from gateway.nodes import Nodes
from gateway.serial_port import SerialPort
from gateway.services import Services
from gateway.store import Store
from gateway.timeline import Timeline
from tests.gateway.serial_pair import SerialPair


class Gateway:
    """Everything a line works with, real; and lines to open."""

    def __init__(self, directory):
        self.store = Store.open(directory, group_commit_ms=5)
        self.counters = Counters()
        self.conditions = Conditions(self.counters)
        self.clock = HostClock(assume_synchronised=True)
        self.timeline = Timeline(self.store, self.clock)
        self.nodes = Nodes(self.store)
        self.capture = Capture(directory / "capture")
        self.store.start(
            lambda arrivals: self.nodes.committed(arrivals),  # noqa: PLW0108 - tests replace `nodes`
            lambda arrivals, _error: self.nodes.refused(arrivals),
        )

    @asynccontextmanager
    async def line(self, pair, window=4096, adapter=None):
        await self.store.flush()
        port = SerialPort.open(pair.path, 115200)
        port.adapter = adapter or port.adapter
        try:
            async with self.line_on(port, window) as line:
                yield line
        finally:
            port.close()

    @asynccontextmanager
    async def line_on(self, port, window=4096):
        services = Services(
            name="gw",
            nodes=self.nodes,
            store=self.store,
            descriptors=Descriptors(self.store),
            timeline=self.timeline,
            clock=self.clock,
            counters=self.counters,
            conditions=self.conditions,
            capture=self.capture,
        )
        await self.store.flush()
        line = Line(port, services, window)
        serving = asyncio.create_task(line.serve())
        try:
            yield line
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError, BaseExceptionGroup):
                await serving

    def seqs(self):
        return [stored.seq for stored in self.store.read_after(0, 10_000)]

    def count(self, name):
        return self.counters.snapshot().get(name, 0)


@pytest.fixture
async def gateway(tmp_path):
    gateway = Gateway(tmp_path)
    yield gateway
    await gateway.store.close()
    gateway.capture.close()


@pytest.fixture
def pair(tmp_path):
    pair = SerialPair(tmp_path)
    yield pair
    pair.unplug()


@asynccontextmanager
async def running(node):
    task = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
