"""gateway/sinks/mqtt.py with records that a broker will not have, against one that says so."""

import re

import pytest

from gateway.sinks.mqtt import SinkState
from gateway.store import Store
from hil_tests.fake_broker import FakeBroker, puback

SEQ = re.compile(rb"seq\x00.([0-9]+)")


def seq(published):
    return int(SEQ.search(published.body)[1])


def refusing(*bad, reason):
    """A broker that takes all records but these."""
    return lambda published: puback(published, reason if seq_of(published) in bad else 0)


def seq_of(published):
    return -1 if published.topic.endswith("/status") else seq(published)


@pytest.mark.parametrize("reason", [0x90, 0x95])
async def test_a_record_refused_for_good_is_buried_at_once_and_the_others_go_on(
    bench, sinking, until, reason
):
    bench.measure()
    await bench.fill(5)
    async with FakeBroker(refusing(2, reason=reason)) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().backlog == 0)
        await until(lambda: [each.state for each in bench.conditions.faults()] == ["dead_letters"])
        assert sink.status().dead_letters == 1
        assert sink.status().state == SinkState.ONLINE
        assert [seq(each) for each in broker.records()] == [0, 1, 2, 3, 4]
    [letter] = bench.store.dead_letters.of("mqtt")
    assert (letter.seq, letter.reason_code) == (2, reason)
    assert bench.store.cursor("mqtt") == 5
    assert bench.counters.snapshot()["mqtt_dead_letters"] == 1


@pytest.mark.parametrize("reason", [0x10, 0x87, 0x97])
async def test_one_that_is_refused_while_others_are_taken_is_buried_in_the_end(bench, sinking, until, reason):
    bench.measure()
    await bench.fill(5)
    async with FakeBroker(refusing(2, reason=reason)) as broker, sinking(broker.url) as sink:
        appended = 5
        while not sink.status().dead_letters:
            await bench.fill(1, first=appended)
            appended += 1
            sink.wake()
            await until(lambda: sink.status().backlog <= 1)
            assert appended < 300
        await until(lambda: sink.status().backlog == 0)
        tries = [seq(each) for each in broker.records()].count(2)
        assert 8 <= tries <= 10
    assert [letter.seq for letter in bench.store.dead_letters.of("mqtt")] == [2]


async def test_without_room_for_letters_the_record_stays_and_is_said(bench, sinking, until, monkeypatch):
    monkeypatch.setattr("gateway.store.dead_letters.LETTERS_LIMIT", 2)
    bench.measure()
    await bench.fill(5)
    async with FakeBroker(refusing(0, 1, 2, reason=0x99)) as broker, sinking(broker.url) as sink:
        await until(lambda: [each.state for each in bench.conditions.faults()] == ["dead_letters_full"])
        await until(lambda: sink.status().backlog == 1)  # only this one
        assert sink.status().dead_letters == 2
        broker.answer = puback
        await until(lambda: sink.status().backlog == 0)
    assert {letter.seq for letter in bench.store.dead_letters.of("mqtt")} < {0, 1, 2}


async def test_a_letter_is_sent_again_under_its_identity_when_somebody_wants_it(bench, sinking, until):
    bench.measure()
    await bench.fill(3)
    letters = bench.store.dead_letters
    async with FakeBroker(refusing(1, reason=0x99)) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().dead_letters == 1)
        first = [each for each in broker.records() if seq(each) == 1]
        letters.replay([1])
        sink.wake()
        await until(lambda: [seq(each) for each in broker.records()].count(1) == 2)
        await until(letters.of)
        assert sink.status().dead_letters == 1  # refused again: it stays
        broker.answer = puback
        letters.replay([1])
        sink.wake()
        await until(lambda: sink.status().dead_letters == 0)
        await until(lambda: bench.conditions.faults() == ())
        again = [each for each in broker.records() if seq(each) == 1][-1]
        assert again.topic == f"{first[0].topic}/backfill"
        assert again.body.partition(b"[{")[2] == first[0].body.partition(b"[{")[2].replace(
            b'"hist":0', b'"hist":1'
        )


async def test_a_letter_on_its_way_when_the_connection_is_lost_is_sent_again(bench, sinking, until):
    bench.measure()
    await bench.fill(2)
    async with (
        FakeBroker(refusing(1, reason=0x99)) as broker,
        sinking(broker.url, ack_timeout_s=1) as sink,
    ):
        await until(lambda: sink.status().dead_letters == 1)
        broker.answer = lambda published: b"" if seq_of(published) == 1 else puback(published)
        bench.store.dead_letters.replay([1])
        sink.wake()
        await until(lambda: len(broker.connects) == 2)
        assert sink.status().dead_letters == 1
        broker.answer = puback
        await until(lambda: sink.status().dead_letters == 0)


async def test_a_record_is_never_in_neither_place(bench, sinking, until, tmp_path):
    """Of the store as it is on disk after each commit: not delivered, or a letter."""
    bench.measure()
    await bench.fill(40)
    bad = set(range(0, 40, 3))
    async with FakeBroker(refusing(*bad, reason=0x99)) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().dead_letters == len(bad))
        await bench.store.flush()
    await bench.store.close()
    again = Store.open(tmp_path / "state")
    try:
        assert {letter.seq for letter in again.dead_letters.of("mqtt")} == bad
        assert again.cursor("mqtt") == 40
    finally:
        await again.close()
