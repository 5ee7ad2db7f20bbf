"""gateway/sinks/mqtt.py with brokers that speak MQTT 3.1.1 only."""

import json
import logging

import pytest

from gateway.sinks.sink_state import SinkState
from hil_tests.fake_broker import MQTT_5, MQTT_311, FakeBroker, puback
from tests.gateway.sinks.records import BOOT, UID, block, gap

OLD_REFUSAL = bytes.fromhex("20 02 00 01")  # what a broker of 3.1.1 says to one that speaks 5
NEW_REFUSAL = bytes.fromhex("20 03 00 84 00")
# RabbitMQ 3.10 closes without a word: asked again after it took 3.1.1, so that it is certain.
CASES = [(OLD_REFUSAL, [5, 4]), (NEW_REFUSAL, [5, 4]), (b"", [5, 4, 5, 4])]


@pytest.mark.parametrize(("refusal", "levels"), CASES, ids=["0x01", "0x84", "closed"])
async def test_a_broker_that_refuses_5_is_delivered_to_in_3_1_1(refusal, levels, bench, sinking, until):
    bench.measure()
    await bench.fill(30)
    async with FakeBroker(puback, connack=refusal) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().backlog == 0)
        assert sink.status().protocol == "mqtt 3.1.1"
        assert broker.levels == levels
        broker.drop()
        await until(lambda: len(broker.connects) > len(levels))
        assert broker.levels == [*levels, MQTT_311]  # remembered
        await bench.fill(1, first=30)
        sink.wake()
        await until(lambda: sink.status().backlog == 0)
    documents = [json.loads(each.body)[0] for each in broker.records()]
    assert [document["seq"] for document in documents] == list(range(31))
    assert {(document["node"], document["boot"], document["stream"]) for document in documents} == {
        (UID.hex(), BOOT, 1)
    }
    assert {document["time"] for document in documents} == {"resolved"}


async def test_finding_out_that_a_broker_is_old_is_no_fault(bench, sinking, until, caplog):
    with caplog.at_level(logging.WARNING):
        async with FakeBroker(puback, connack=b"") as broker, sinking(broker.url) as sink:
            await until(lambda: sink.status().state == SinkState.ONLINE)
    assert caplog.records == []


async def test_every_kind_of_record_says_who_it_is_without_properties(bench, sinking, until):
    bench.measure()
    bench.append(block(0))
    bench.append(gap(1, 5))
    bench.append(block(5, group=3))
    await bench.committed()
    async with FakeBroker(puback, connack=OLD_REFUSAL) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().backlog == 0)
    readings, lost, raw = (json.loads(each.body) for each in broker.records())
    assert [each["seq"] for each in (readings[0], lost, raw)] == [0, 1, 5]
    assert {each["node"] for each in (readings[0], lost, raw)} == {UID.hex()}
    assert (lost["next_seq"], raw["fault"]) == (5, "group_unknown")


async def test_a_broker_that_speaks_5_is_asked_once(bench, sinking, until):
    async with FakeBroker(puback) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().state == SinkState.ONLINE)
        assert (broker.levels, sink.status().protocol) == ([MQTT_5], "mqtt 5")


async def test_a_broker_that_was_away_behind_a_load_balancer_is_spoken_to_in_5(bench, sinking, until):
    async with (
        FakeBroker(puback, connack=b"", connack_311=b"") as broker,
        sinking(broker.url) as sink,
    ):
        await until(lambda: len(broker.connects) >= 6)
        broker.connack, broker.connack_311 = bytes.fromhex("2003000000"), bytes.fromhex("20020000")
        await until(lambda: sink.status().state == SinkState.ONLINE)
        assert sink.status().protocol == "mqtt 5"


async def test_a_broker_that_refuses_both_is_rejected_and_tried_again_with_pauses(bench, sinking, until):
    async with (
        FakeBroker(puback, connack=OLD_REFUSAL, connack_311=OLD_REFUSAL) as broker,
        sinking(broker.url) as sink,
    ):
        await until(lambda: len(broker.connects) >= 4)
        assert sink.status().state == SinkState.REJECTED
        assert sink.status().detail == "unsupported_protocol_version"
        assert sink.status().protocol == ""
        broker.connack = bytes.fromhex("2003000000")
        await until(lambda: sink.status().state == SinkState.ONLINE)
