"""gateway/sinks/mqtt.py against brokers that refuse, keep silent or talk nonsense."""

import logging

import pytest

from gateway.sinks.mqtt_properties import length, user_property
from gateway.sinks.sink_state import SinkState
from gateway.store import StoreError
from hil_tests.fake_broker import FakeBroker, puback
from tests.gateway.sinks.records import block

REFUSALS = [
    (0x10, "no_matching_subscribers"),
    (0x83, "implementation_specific_error"),
    (0x97, "quota_exceeded"),
]


PACKET_TOO_LARGE = bytes.fromhex("e0 01 95")  # DISCONNECT


def connack(properties=b"", reason=0):
    body = bytes([0, reason]) + length(len(properties)) + properties
    return b"\x20" + length(len(body)) + body


@pytest.mark.parametrize(("reason", "name"), REFUSALS)
async def test_refused_record_stays_and_is_sent_again(reason, name, bench, sinking, until):
    bench.measure()
    await bench.fill(8)
    async with FakeBroker(lambda published: puback(published, reason)) as broker, sinking(broker.url) as sink:
        await until(lambda: len(broker.records()) >= 11)
        status = sink.status()
        assert (status.state, status.delivered) == (SinkState.REFUSED, 0)
        assert status.detail == f"{name}: {broker.records()[0].topic}"
        [fault] = bench.conditions.faults()
        assert (fault.state, fault.detail.partition("; ")[0]) == ("refused", status.detail)
        assert ("start the consumer" in fault.detail) == (reason == 0x10)
        assert bench.store.cursor("mqtt") == 0
        # The window of eight first, then the first record, and in turn the next one: which is to blame?
        seqs = [each.body.partition(b"seq")[2][2:3] for each in broker.records()[8:]]
        assert seqs == [b"0", b"1"] * (len(seqs) // 2) + [b"0"] * (len(seqs) % 2)
        broker.answer = puback
        await until(lambda: sink.status().backlog == 0)
        await until(lambda: sink.status().state == SinkState.ONLINE)
        assert bench.conditions.faults() == ()
    assert bench.counters.snapshot()["mqtt_refused"] >= 8


async def test_one_refused_record_holds_the_cursor_and_is_the_only_one_repeated(bench, sinking, until):
    bench.measure()
    await bench.fill(8)
    refusals = 1

    def refuse_the_third(published):
        nonlocal refusals
        if b"seq\x00\x012" in published.body and refusals:
            refusals -= 1
            return puback(published, 0x83)
        return puback(published)

    async with FakeBroker(refuse_the_third) as broker:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().backlog == 0)
        assert len(broker.records()) == 9
        assert b"seq\x00\x012" in broker.records()[-1].body


async def test_silence_after_a_publish_ends_the_connection_and_repeats(bench, sinking, until):
    bench.measure()
    await bench.fill(3)
    async with FakeBroker(lambda published: b"") as broker, sinking(broker.url, ack_timeout_s=1) as sink:
        await until(lambda: len(broker.connects) == 2)
        assert bench.store.cursor("mqtt") == 0
        broker.answer = puback
        await until(lambda: sink.status().backlog == 0)


async def test_confirmations_in_any_order_move_the_cursor_without_a_hole(bench, sinking, until):
    bench.measure()
    await bench.fill(6)
    kept = []

    def last_first(published):
        if published.topic.endswith("/status"):
            return puback(published)
        kept.append(published)
        return b"" if len(kept) < 6 else b"".join(puback(each) for each in reversed(kept[1:]))

    async with FakeBroker(last_first) as broker, sinking(broker.url, ack_timeout_s=2) as sink:
        await until(lambda: sink.status().delivered == 5)
        assert bench.store.cursor("mqtt") == 0
        broker.answer = puback
        await until(lambda: bench.store.cursor("mqtt") == 6)
        assert len(broker.records()) == 7  # after the ack timeout only the first one again


async def test_the_brokers_receive_maximum_is_the_window(bench, sinking, until):
    bench.measure()
    await bench.fill(10)
    narrow = FakeBroker(lambda published: b"", connack=connack(b"\x21\x00\x03"))
    async with narrow as broker, sinking(broker.url) as sink:
        await until(lambda: len(broker.published) == 3)  # its own state is one of them
        await bench.fill(1, first=10)
        sink.wake()
        await until(lambda: sink.status().state == SinkState.ONLINE)
        assert sink.status().in_flight == len(broker.published) == 3


async def test_a_block_too_large_for_the_broker_goes_as_it_came(bench, sinking, until):
    bench.measure()
    await bench.fill(1)
    async with FakeBroker(puback, connack=connack(b"\x27\x00\x00\x01\x00")) as broker:
        async with sinking(broker.url) as sink:
            await until(lambda: sink.status().backlog == 0)
        (record,) = broker.records()
        assert record.topic.endswith("/raw")
        assert user_property(b"fault", b"too_large") in record.body


async def test_a_record_that_fits_in_no_packet_of_the_broker_is_a_dead_letter(bench, sinking, until):
    limit = 290  # a block of one scan fits as it came; the other one has 64
    bench.measure()
    bench.append(block(0, scans=1))
    bench.append(block(1, scans=60))
    bench.append(block(2, scans=1))
    await bench.committed()

    def disconnect_if_too_large(published):
        return puback(published) if len(published.topic) + len(published.body) < limit else PACKET_TOO_LARGE

    connack_ = connack(b"\x27" + limit.to_bytes(4, "big"))
    async with FakeBroker(disconnect_if_too_large, connack=connack_) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().backlog == 0)
        assert len(broker.connects) == 1
        assert [letter.seq for letter in bench.store.dead_letters.of("mqtt")] == [1]
        assert sink.status().dead_letters == 1
    assert {each.topic.rpartition("/")[2] for each in broker.records()} == {"raw"}


REJECTIONS = [
    (connack(reason=0x86), "bad_user_name_or_password", SinkState.REJECTED),
    (connack(b"\x1f\x00\x02no", reason=0x87), "not_authorized no", SinkState.REJECTED),
    (connack(b"\x24\x00"), "the broker takes QoS 0 only", SinkState.REJECTED),
    (bytes.fromhex("e0018d"), "ended_by_broker: keep_alive_timeout", SinkState.LOST),
    (b"\x20\xff\xff\xff\xff\xff", "protocol_error", SinkState.LOST),
]


@pytest.mark.parametrize("case", REJECTIONS, ids=lambda case: case[1])
async def test_a_connection_that_fails_is_named_and_tried_again(case, bench, sinking, until, caplog):
    answer, detail, state = case
    bench.measure()
    await bench.fill(2)
    async with FakeBroker(puback, connack=answer) as broker:
        with caplog.at_level(logging.WARNING):
            async with sinking(broker.url) as sink:
                await until(lambda: len(broker.connects) >= 3)
                assert sink.status().state == state
                assert sink.status().detail.startswith(detail)
                broker.connack = connack()
                await until(lambda: sink.status().backlog == 0)
    assert len(caplog.records) == 1  # one line for the change of state, not one for each try


async def test_missing_files_are_named_and_looked_for_again(bench, sinking, until, short_path):
    bench.measure()
    await bench.fill(1)
    secret = short_path / "mqtt.password"
    async with FakeBroker(puback) as broker:
        async with sinking(broker.url, user="gw", password_file=secret) as sink:
            await until(lambda: "mqtt.password" in sink.status().detail)
            secret.write_text("s3cret\nsecond line\n")
            await until(lambda: sink.status().backlog == 0)
        assert broker.connects[0].endswith(b"\0\2gw\0\6s3cret")


async def test_a_peer_that_does_not_speak_mqtt_is_left_after_the_connect_timeout(
    bench, sinking, until, monkeypatch
):
    monkeypatch.setattr("gateway.sinks.mqtt_connection.CONNECT_TIMEOUT_S", 0.2)
    async with (
        FakeBroker(puback, connack=b"HTTP/1.1 400 Bad Request\r\n") as broker,
        sinking(broker.url) as sink,
    ):
        await until(lambda: len(broker.connects) >= 2)
        assert sink.status().state == SinkState.UNREACHABLE


@pytest.mark.timeout(40)  # several keep alive times, of a second each
async def test_a_broker_that_never_answers_is_pinged_and_left(bench, sinking, until):
    async with FakeBroker(puback, connack=connack(b"\x13\x00\x01")) as broker:  # keep alive: 1 s
        broker.pings = False
        async with sinking(broker.url) as sink:
            await until(lambda: len(broker.connects) == 2)
            broker.pings = True
            await until(lambda: sink.status().state == SinkState.ONLINE)
            connections = len(broker.connects)
            await until(lambda: broker.pinged >= 6)
            assert len(broker.connects) == connections


async def test_a_connection_that_is_busy_with_records_is_pinged_as_well(bench, sinking, until):
    bench.measure()
    sent = 0
    async with FakeBroker(puback, connack=connack(b"\x13\x00\x01")) as broker, sinking(broker.url) as sink:
        while broker.pinged < 3:
            await bench.fill(1, first=sent)
            sent += 1
            sink.wake()
        await until(lambda: sink.delivered == sent)
        assert len(broker.connects) == 1


async def test_a_password_file_that_is_no_text_is_a_fault_of_the_sink_alone(bench, sinking, until, tmp_path):
    password = tmp_path / "mqtt.password"
    password.write_bytes(b"\xff\xfe\x00secret")
    async with sinking("mqtt://127.0.0.1:1", user="gw", password_file=password) as sink:
        await until(lambda: sink.status().state == SinkState.FILE_UNREADABLE)
        assert sink.status().detail.startswith(str(password))


@pytest.mark.parametrize("key", ["ca_file", "password_file"])
async def test_a_file_that_is_not_there_is_named(bench, sinking, until, short_path, key):
    path = short_path / "none"
    async with sinking("mqtts://127.0.0.1:1", **{"user": "gw", key: path}) as sink:
        await until(lambda: sink.status().detail)
    assert (sink.status().state, sink.status().detail) == (
        SinkState.FILE_UNREADABLE,
        f"{path}: No such file or directory",
    )


async def test_a_store_that_cannot_be_read_holds_the_sink_up_and_ends_nothing(
    bench, sinking, until, monkeypatch
):
    def unreadable(*_):
        raise StoreError("io", "reading: disk I/O error")

    bench.measure()
    await bench.fill(3)
    async with FakeBroker(puback) as broker:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.store.Store.read_after", unreadable)
            async with sinking(broker.url) as sink:
                await until(lambda: sink.status().state == SinkState.STORE_UNREADABLE)
                patched.undo()
                await until(lambda: sink.status().backlog == 0)
    assert len(broker.records()) == 3
