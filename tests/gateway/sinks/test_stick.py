"""What went home on a stick is delivered there as the gateway it came from would have."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.archive.entries import Header
from gateway.archive.index import verify
from gateway.sink_config import MqttSinkConfig
from gateway.sinks.mqtt import MqttSink
from gateway.store.exporting import Wanted, export
from gateway.store.importing import opened, take
from hil_tests.broker import Broker, Subscriber
from tests.gateway.sinks.records import Bench, gap
from tests.gateway.virtual_host import HOUR, S, VirtualClock


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        yield broker


@asynccontextmanager
async def sinking(bench, url):
    sink = MqttSink(
        MqttSinkConfig(url=url, client_id="fieldgate-test", window=20, unsynchronised="wait"),
        gateway="gw",
        store=bench.store,
        timeline=bench.timeline,
        clock=bench.clock,
        counters=bench.counters,
        conditions=bench.conditions,
    )
    task = asyncio.create_task(sink.run())
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.wait([task])


async def delivered(directory, clock, url, count):
    """What a gateway with this state directory and this clock delivers, by seq."""
    bench = Bench(directory, clock)

    def ours(messages):
        return {
            message.properties["seq"]: (
                message.topic,
                dict(message.properties) | {"hist": ""},
                message.payload,
            )
            for message in messages
            if "seq" in message.properties
        }

    try:
        with Subscriber(url) as subscriber:
            async with sinking(bench, url):
                messages = await asyncio.to_thread(
                    subscriber.wait_for, lambda all_: len(ours(all_)) >= count, 8.0
                )
    finally:
        await bench.store.close()
    return {seq: (topic.removesuffix("/backfill"), *rest) for seq, (topic, *rest) in ours(messages).items()}


async def test_identity_time_and_values_are_those_of_the_first_gateway(tmp_path, broker):
    clock = VirtualClock()
    bench = Bench(tmp_path / "first", clock)
    bench.measure()
    clock.now_ns += 60 * S
    await bench.fill(20)
    bench.append(gap(20, 25))
    await bench.committed()
    await bench.fill(20, first=25)
    bench.timeline.observe()
    await bench.store.close()
    stick = tmp_path / "stick"
    header = Header(gateway="gw", machine="first")
    export(tmp_path / "first" / "store.db", stick, header=header, wanted=Wanted())

    clock.now_ns += HOUR
    there = await delivered(tmp_path / "first", clock, broker.url, 41)

    elsewhere = VirtualClock(boot_id="elsewhere", now_ns=3 * S, booted_utc_ns=clock.booted_utc_ns + 9 * HOUR)
    home = Bench(tmp_path / "home", elsewhere)
    await home.store.close()
    index = verify(stick)
    with opened(tmp_path / "home", index) as database:
        assert take(database, stick, index, here="home", day=1).readings == 40
    here = await delivered(tmp_path / "home", elsewhere, broker.url, 41)

    assert len(there) == 41
    assert here == there
