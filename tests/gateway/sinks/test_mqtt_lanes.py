"""gateway/sinks/mqtt.py with a backlog, against a real mosquitto."""

import asyncio
import time

import pytest

from gateway.sinks.sink_state import SinkState
from hil_tests.broker import Broker, Subscriber
from tests.gateway.sinks.records import OTHER, UID, block
from tests.gateway.sinks.test_corrections import synchronise
from tests.gateway.sinks.test_outbox import unsynchronise

BACKLOG = 900  # mosquitto throws away what is more than 1000 ahead of a subscriber
PER_S = 300
LIVE = 12
PROMPT_S = 1.0  # usual is a few milliseconds; this machine has other things to do


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        yield broker


def identity(message):
    return [message.properties[key] for key in ("node", "boot", "stream", "seq")]


def seqs(messages, topic):
    return [int(each.properties["seq"]) for each in messages if each.topic == topic]


@pytest.mark.timeout(60)
async def test_live_readings_arrive_at_once_while_the_backlog_drains_beside_them(
    bench, broker, sinking, until
):
    bench.measure(UID)
    bench.measure(OTHER)
    await bench.fill(BACKLOG, uid=UID)
    live, older = (f"fieldgate/gw/{OTHER.hex()}/air", f"fieldgate/gw/{UID.hex()}/air/backfill")
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url, backfill_per_s=PER_S) as sink:
            await until(lambda: sink.delivered > 50, timeout_s=20)
            waits_s = []
            for seq in range(LIVE):
                sent_s = time.monotonic()
                bench.append(block(seq), uid=OTHER)
                await bench.committed()
                sink.wake()
                await until(lambda seq=seq: len(seqs(list(subscriber.messages), live)) > seq)
                waits_s.append(time.monotonic() - sent_s)
                assert sink.status().backlog > 100
            await until(lambda: sink.status().backlog_eta_s is not None)
            status = sink.status()
            assert status.backlog_eta_s == pytest.approx(status.backlog / status.backlog_per_s, rel=0.2)
            await until(lambda: sink.status().backlog == 0, timeout_s=40)
            messages = await asyncio.to_thread(
                subscriber.wait_for, lambda all_: len(all_) >= BACKLOG + LIVE + 1, 8.0
            )
    assert sorted(waits_s)[-2] < PROMPT_S
    assert seqs(messages, live) == list(range(LIVE))
    assert seqs(messages, older) == list(range(BACKLOG))  # in order, none twice
    assert {each.properties["hist"] for each in messages if each.topic == live} == {"0"}
    assert {each.properties["hist"] for each in messages if each.topic == older} == {"1"}


async def test_a_backlog_keeps_to_its_configured_rate_and_live_readings_do_not(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(1000)
    with Subscriber(broker.url):
        async with sinking(broker.url, backfill_per_s=20) as sink:
            await until(lambda: sink.status().state == SinkState.ONLINE)
            began_s = time.monotonic()
            await until(lambda: sink.delivered >= 30)
            assert time.monotonic() - began_s > 0.8
            before = sink.delivered
            await bench.fill(200, first=1000)
            sink.wake()
            await until(lambda: sink.delivered >= before + 200, timeout_s=3)


async def test_nobody_who_listens_to_the_backfill_holds_the_backlog_and_nothing_else(
    bench, broker, sinking, until
):
    bench.measure()
    await bench.fill(300)
    with Subscriber(broker.url, f"fieldgate/gw/{UID.hex()}/air") as subscriber:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().state == SinkState.REFUSED)
            await bench.fill(50, first=300)
            sink.wake()
            live = await asyncio.to_thread(subscriber.wait_for, lambda all_: len(all_) >= 50, 8.0)
            assert [int(each.properties["seq"]) for each in live] == list(range(300, 350))
            await until(lambda: sink.status().backlog == 300)
            with Subscriber(broker.url, f"fieldgate/gw/{UID.hex()}/+/backfill") as late:
                await until(lambda: sink.status().backlog == 0, timeout_s=20)
                messages = await asyncio.to_thread(late.wait_for, lambda all_: len(all_) >= 300, 8.0)
    assert {int(each.properties["seq"]) for each in messages} == set(range(300))


async def test_a_reading_whose_time_becomes_known_is_corrected_under_its_identity(
    bench, broker, sinking, until, monkeypatch
):
    monkeypatch.setattr("gateway.sinks.corrections.LOOK_EVERY_S", 0.0)
    unsynchronise(bench)
    bench.measure()
    await bench.fill(3)
    with Subscriber(broker.url, "fieldgate/gw/+/+/#") as subscriber:
        async with sinking(broker.url, unsynchronised="send", provisional_after_s=0) as sink:
            await until(lambda: sink.delivered == 3)
            synchronise(bench)
            messages = await asyncio.to_thread(subscriber.wait_for, lambda all_: len(all_) >= 6, 8.0)
            await until(lambda: bench.counters.snapshot().get("mqtt_corrections") == 3)
    first, again = messages[:3], messages[3:]
    assert {each.properties["time"] for each in first} == {"provisional"}
    assert {each.properties["time"] for each in again} == {"resolved"}
    assert {each.properties["correction"] for each in again} == {"1"}
    assert all("correction" not in each.properties for each in first)
    for one, other in zip(first, again, strict=True):
        assert other.topic == f"{one.topic}/backfill"
        assert identity(one) == identity(other)
