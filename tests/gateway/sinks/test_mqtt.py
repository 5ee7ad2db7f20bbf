"""gateway/sinks/mqtt.py against a real mosquitto."""

import asyncio
import json
from itertools import pairwise

import pytest

from gateway.sinks.sink_state import SinkState
from hil_tests.broker import Broker, Subscriber
from tests.gateway.sinks.records import BOOT, OTHER, UID, block, gap

TOPIC = f"fieldgate/gw/{UID.hex()}"


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        yield broker


def records(messages):
    return [message for message in messages if not message.topic.endswith("/status")]


def seqs(messages):
    return [int(message.properties["seq"]) for message in records(messages)]


async def heard(subscriber, predicate):
    return await asyncio.to_thread(subscriber.wait_for, predicate, 8.0)


async def test_blocks_arrive_in_order_with_their_identity_and_time(bench, broker, sinking):
    bench.measure()
    await bench.fill(50)
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url):
            messages = records(await heard(subscriber, lambda all_: len(records(all_)) == 50))
    assert seqs(messages) == list(range(50))
    assert messages[0].topic == f"{TOPIC}/air"
    assert messages[0].content_type == "application/senml+json"
    properties = dict(messages[0].properties)
    assert 0 < float(properties.pop("tu")) < 1
    assert properties == {
        "node": UID.hex(),
        "boot": str(BOOT),
        "stream": "1",
        "seq": "0",
        "hist": "0",
        "time": "resolved",
    }
    first = json.loads(messages[0].payload)[0]
    assert first["n"] == "air_temperature"
    assert first["bt"] == pytest.approx(1_800_000_012, abs=1)


async def test_a_gap_is_delivered_like_data(bench, broker, sinking):
    bench.measure()
    bench.append(block(0))
    bench.append(gap(1, 5))
    bench.append(block(5))
    await bench.committed()
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url):
            messages = records(await heard(subscriber, lambda all_: len(records(all_)) == 3))
    assert [message.topic for message in messages] == [f"{TOPIC}/air", f"{TOPIC}/gap", f"{TOPIC}/air"]
    told = json.loads(messages[1].payload)
    assert (told["seq"], told["next_seq"], told["reason"]) == (1, 5, "queue_full")
    assert told["to"] - told["from"] == pytest.approx(0.5, abs=0.01)
    assert messages[1].content_type == "application/json"


async def test_what_cannot_be_read_is_delivered_as_it_came_and_blocks_nothing(bench, broker, sinking):
    bench.measure()
    bench.append(block(0, group=3))
    bench.append(block(1), descriptor=b"unknown!")
    bench.append(block(2))
    await bench.committed()
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url):
            messages = records(await heard(subscriber, lambda all_: len(records(all_)) == 3))
    assert seqs(messages) == [0, 1, 2]
    assert [message.topic.rpartition("/")[2] for message in messages] == ["raw", "raw", "air"]
    assert [message.properties.get("fault") for message in messages] == [
        "group_unknown",
        "descriptor_missing",
        None,
    ]
    assert messages[0].payload == block(0, group=3)
    assert messages[0].content_type == "application/cbor"


async def test_the_cursor_follows_the_confirmations(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(30)
    with Subscriber(broker.url):
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().backlog == 0)
    assert bench.store.cursor("mqtt") == 30
    assert sink.status().delivered == 30


async def test_a_new_commit_wakes_the_sink(bench, broker, sinking, until):
    bench.measure()
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().state == SinkState.ONLINE)
            await bench.fill(1)
            sink.wake()
            assert seqs(await heard(subscriber, records)) == [0]


@pytest.mark.timeout(40)  # a broker is started twice
async def test_killed_broker_costs_repeats_and_no_hole(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(200)
    seen = []
    async with sinking(broker.url, window=5) as sink:
        for _ in range(3):
            with Subscriber(broker.url, f"{TOPIC}/air", qos=0) as subscriber:
                target = sink.delivered + 30
                await until(lambda target=target: sink.delivered >= target, every_s=0)  # in mid flow
                broker.kill()
                seen += seqs(await asyncio.to_thread(subscriber.wait_until_lost))
            assert bench.store.cursor("mqtt") < 200
            broker.start()
        with Subscriber(broker.url, f"{TOPIC}/air", qos=0) as subscriber:
            await until(lambda: sink.status().backlog == 0)
            seen += seqs(await heard(subscriber, lambda all_: seqs(all_)[-1:] == [199]))
    assert set(seen) == set(range(200))
    # A repeat goes back by the window at most; nothing is skipped.
    assert all(after - before <= 1 and before - after <= 5 for before, after in pairwise(seen))


async def test_a_broker_that_comes_later_gets_everything(bench, tmp_path, sinking, until):
    bench.measure()
    await bench.fill(10)
    late = Broker(tmp_path / "late")
    async with sinking(late.url) as sink:
        await until(lambda: sink.status().state == SinkState.UNREACHABLE)
        [fault] = bench.conditions.faults()
        assert fault.state == "unreachable"
        assert fault.detail.startswith("127.0.0.1: Connection refused; next step: does the broker run")
        with late, Subscriber(late.url) as subscriber:
            assert seqs(await heard(subscriber, lambda all_: len(records(all_)) >= 10)) == list(range(10))
            await until(lambda: sink.status().state == SinkState.ONLINE)
        assert bench.conditions.faults() == ()


async def test_without_a_subscriber_the_records_wait_for_one(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(25)
    async with sinking(broker.url) as sink:
        await until(lambda: sink.status().state == SinkState.REFUSED)
        assert sink.status().detail == f"no_matching_subscribers: {TOPIC}/air"
        assert bench.store.cursor("mqtt") == 0
        with Subscriber(broker.url) as subscriber:
            messages = await heard(subscriber, lambda all_: len(set(seqs(all_))) == 25)
            await until(lambda: sink.status().state == SinkState.ONLINE)
    assert set(seqs(messages)) == set(range(25))


async def test_a_subscriber_may_be_declared_needless(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(5)
    async with sinking(broker.url, require_subscriber=False) as sink:
        await until(lambda: sink.status().backlog == 0)


async def test_restarted_sink_goes_on_where_the_broker_confirmed(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(10)
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().backlog == 0)
        await bench.fill(10, first=10)
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().backlog == 0)
        messages = await heard(subscriber, lambda all_: len(records(all_)) >= 20)
    assert seqs(messages) == list(range(20))


async def test_the_gateways_state_is_retained_and_ends_with_the_connection(bench, broker, sinking):
    async with sinking(broker.url):
        with Subscriber(broker.url, "fieldgate/gw/status") as subscriber:
            online = json.loads((await heard(subscriber, bool))[0].payload)
    assert online["state"] == "online"
    assert online["since"].startswith("2027-")
    with Subscriber(broker.url, "fieldgate/gw/status") as subscriber:
        (message,) = await heard(subscriber, bool)
    assert json.loads(message.payload) == {"state": "offline"}
    assert message.retained


async def test_a_broker_that_hangs_is_left_after_the_ack_timeout(bench, broker, sinking, until):
    bench.measure()
    with Subscriber(broker.url):
        async with sinking(broker.url, ack_timeout_s=1) as sink:
            await until(lambda: sink.status().state == SinkState.ONLINE)
            broker.pause()
            try:
                await bench.fill(3)
                sink.wake()
                await until(lambda: "no confirmation" in sink.status().detail)
            finally:
                broker.resume()
            await until(lambda: sink.status().backlog == 0)


async def test_nothing_is_published_while_nobody_knows_the_time(bench, broker, sinking, until):
    bench.clock.synchronised = False
    bench.clock.booted_utc_ns = 0  # a Pi without RTC: 1970
    bench.timeline.observe()
    await bench.fill(5)
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().state == SinkState.WAITING_FOR_TIME)
            assert sink.status().detail == "a node's clock is not measured yet"
            assert records(subscriber.messages) == []
            bench.clock.booted_utc_ns, bench.clock.synchronised = 1_800_000_000 * 10**9, True
            bench.clock.now_ns += 2 * 10**9
            bench.timeline.observe()
            bench.measure()
            messages = records(await heard(subscriber, lambda all_: len(records(all_)) == 5))
    assert seqs(messages) == [0, 1, 2, 3, 4]
    assert all(json.loads(message.payload)[0]["bt"] > 1_800_000_000 for message in messages)
    assert {message.properties["time"] for message in messages} == {"resolved"}


async def test_one_node_without_a_clock_does_not_hold_another(bench, broker, sinking, until):
    bench.measure(OTHER)
    await bench.fill(3, uid=UID)
    await bench.fill(3, uid=OTHER)
    with Subscriber(broker.url) as subscriber:
        async with sinking(broker.url) as sink:
            first = records(await heard(subscriber, lambda all_: len(records(all_)) == 3))
            assert {message.properties["node"] for message in first} == {OTHER.hex()}
            assert bench.store.cursor("mqtt") == 0
            bench.measure(UID)
            messages = records(await heard(subscriber, lambda all_: len(records(all_)) == 6))
            await until(lambda: sink.status().backlog == 0)
    assert seqs(messages[3:]) == [0, 1, 2]
