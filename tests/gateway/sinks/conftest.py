"""A sink with a real store, and a host whose clock the test sets."""

import asyncio
from contextlib import asynccontextmanager
from random import Random

import pytest

from gateway.sink_config import MqttSinkConfig
from gateway.sinks.mqtt import MqttSink
from tests.gateway.sinks.records import Bench


class Impatient(Random):
    """Chance that always draws a short time, so that a test need not wait; keeps what it was asked."""

    def __init__(self, asked=None):
        super().__init__()
        self._asked = [] if asked is None else asked

    def uniform(self, a, b):
        self._asked.append((a, b))
        return min(b, 0.05)


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path / "state")
    yield bench
    await bench.store.close()


@pytest.fixture
def sinking(bench):
    """`async with sinking(url, ...) as sink`: a sink at work, ended in order.

    `pauses` is a list that gets the limits of every pause.
    """

    @asynccontextmanager
    async def start(url="", pauses=None, **settings):
        settings = {"client_id": "fieldgate-test", "window": 20, "unsynchronised": "wait"} | settings
        sink = MqttSink(
            MqttSinkConfig(url=url, **settings),
            gateway="gw",
            store=bench.store,
            timeline=bench.timeline,
            clock=bench.clock,
            counters=bench.counters,
            conditions=bench.conditions,
            random=Impatient(pauses),
        )
        task = asyncio.create_task(sink.run())
        try:
            yield sink
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    return start


@pytest.fixture
def until():
    """`await until(condition)`: looks at it every `every_s` (0: in every turn), fails after `timeout_s`."""

    async def wait(condition, timeout_s=8.0, every_s=0.01):
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - the condition may depend on another process
                await asyncio.sleep(every_s)

    return wait
