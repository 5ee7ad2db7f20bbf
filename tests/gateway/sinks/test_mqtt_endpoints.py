"""gateway/sinks/mqtt.py with several brokers, dead connections and other clients."""

import asyncio
import logging
import socket
import time
from contextlib import asynccontextmanager

import pytest

from gateway.sinks.brokers import CALM_S, TAKEN_OVER_FIRST_S, TAKEN_OVER_MOST_S
from gateway.sinks.mqtt_client import Dialling
from gateway.sinks.sink_state import SinkState
from hil_tests.broker import HOST, free_port
from hil_tests.broker_answers import silence
from hil_tests.fake_broker import FakeBroker, puback
from tests.gateway.sinks.records import block


@asynccontextmanager
async def black_hole():
    """A port that lets nobody in and says nothing: its queue of connections is full."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen(0)
        address = listening.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        await asyncio.sleep(0.05)  # for the kernel's handshakes with the first of them
        try:
            yield f"mqtt://{HOST}:{address[1]}"
        finally:
            for filler in fillers:
                filler.close()


async def test_the_second_broker_takes_over_and_the_first_comes_first_again(bench, sinking, until):
    bench.measure()
    await bench.fill(5)
    async with FakeBroker(puback) as second:
        first = FakeBroker(puback, port=free_port())
        async with sinking(urls=(first.url, second.url)) as sink:
            await until(lambda: sink.status().backlog == 0)
            assert sink.status().broker == second.url
            async with first:
                await bench.fill(5, first=5)
                sink.wake()
                await until(lambda: sink.status().backlog == 0)
                assert first.connects == []  # it stays where it works
                second.drop()
                await until(lambda: sink.status().broker == first.url and first.connected)
                await bench.fill(5, first=10)
                sink.wake()
                await until(lambda: sink.status().backlog == 0)
                assert (len(second.records()), len(first.records())) == (10, 5)


async def test_a_broker_that_swallows_everything_is_left_for_the_next(bench, sinking, until):
    bench.measure()
    await bench.fill(3)
    async with FakeBroker(silence) as deaf, FakeBroker(puback) as good:
        async with sinking(urls=(deaf.url, good.url), ack_timeout_s=1) as sink:
            await until(lambda: sink.status().backlog == 0)
            assert sink.status().broker == good.url
        assert len(deaf.connects) == 1


async def test_a_black_hole_is_left_after_the_connect_timeout(bench, sinking, until, monkeypatch):
    monkeypatch.setattr("gateway.sinks.mqtt_connection.CONNECT_TIMEOUT_S", 0.5)
    bench.measure()
    await bench.fill(3)
    async with black_hole() as hole, FakeBroker(puback) as good, sinking(urls=(hole, good.url)) as sink:
        await until(lambda: sink.status().backlog == 0)
        assert sink.status().broker == good.url


async def test_a_sink_in_a_black_hole_does_not_touch_another(bench, sinking, until):
    bench.measure()
    await bench.fill(50)
    async with (
        black_hole() as hole,
        FakeBroker(puback) as good,
        sinking(hole, name="stuck") as stuck,
        sinking(good.url, name="well") as well,
    ):
        await until(lambda: well.status().backlog == 0, timeout_s=3.0)
        assert (stuck.status().state, stuck.status().delivered) == (SinkState.CONNECTING, 0)
        assert stuck.status().backlog == 50
        assert bench.conditions.faults() == ()


async def test_a_dead_connection_without_anything_to_confirm_is_found(bench, sinking, until):
    keepalive_1_s = bytes.fromhex("20 06 00 00 03 13 00 01")
    async with (
        FakeBroker(puback, connack=keepalive_1_s) as broker,
        sinking(broker.url, ack_timeout_s=300) as sink,
    ):
        await until(lambda: sink.status().state == SinkState.ONLINE)
        broker.stop_reading()  # from here on nothing is answered, and nothing is closed
        await until(lambda: sink.status().state == SinkState.LOST)
        assert sink.status().in_flight == 0


async def test_a_session_that_is_taken_over_is_an_alarm_and_no_loop(bench, sinking, until, monkeypatch):
    monkeypatch.setattr("gateway.sinks.brokers.CALM_S", 0.5)
    pauses = []
    bench.measure()
    await bench.fill(1)
    async with FakeBroker(puback) as broker:
        async with sinking(broker.url, pauses=pauses) as sink:
            for seq in (1, 2, 3):  # each connection delivers before it is taken over
                await until(lambda: sink.status().backlog == 0)
                broker.take_over()
                await until(lambda: sink.status().state == SinkState.TAKEN_OVER)
                bench.append(block(seq))
                await bench.committed()
            await until(lambda: sink.status().state == SinkState.ONLINE)
            assert [fault.subject for fault in bench.conditions.faults()] == ["sink mqtt client_id"]
            await until(lambda: bench.conditions.faults() == ())  # nobody came for CALM_S
        assert len(broker.connects) == 4
    taken = [limits for limits in pauses if limits[0] > 0]
    assert taken == [(TAKEN_OVER_FIRST_S / 2 * n, TAKEN_OVER_FIRST_S * n) for n in (1, 2, 4)]


def test_calm_is_longer_than_any_pause_after_a_takeover():
    assert CALM_S > TAKEN_OVER_MOST_S


async def test_every_address_of_a_name_has_its_share_of_the_time(monkeypatch):
    async with black_hole() as hole, FakeBroker(puback) as broker:
        ports = [int(url.rpartition(":")[2]) for url in (hole, broker.url)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port)) for port in ports]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
        began_s = time.monotonic()
        sock = await asyncio.to_thread(Dialling().connected, "name", 1883, 2.0)
        with sock:
            assert sock.getpeername() == (HOST, ports[1])
        assert time.monotonic() - began_s < 1.8  # one of the two seconds


def test_a_name_without_an_address_is_told(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [])
    with pytest.raises(OSError, match="name has no address"):
        Dialling().connected("name", 1883, 1.0)


async def test_the_name_is_looked_up_at_each_try(bench, sinking, until, monkeypatch):
    asked = []
    known = socket.getaddrinfo

    def lookup(host, *arguments, **options):
        asked.append(host)
        return known(HOST, *arguments, **options)

    monkeypatch.setattr("socket.getaddrinfo", lookup)
    port = free_port()
    async with sinking(f"mqtt://broker.example:{port}") as sink:
        await until(lambda: len(asked) >= 3)
        async with FakeBroker(puback, port=port):
            await until(lambda: sink.status().state == SinkState.ONLINE)
    assert set(asked) == {"broker.example"}


NONSENSE = [
    "30 07 00 02 26 80 80 00 21",  # a message on a topic that is no UTF-8
    "30 06 00 01 74 05 26 00",  # with properties that end too soon
    "30 02 00 40",  # with a topic that is longer than all of it
    "32 05 00 01 74 00 07",  # at QoS 1
    "20 03 00 00 00",  # a second CONNACK
    "90 02 00 01",  # a SUBACK of nothing
    "90 ff ff ff 7f",  # longer than anything may be
    "f0 00",  # AUTH
    "00 00",
]


@pytest.mark.parametrize("octets", NONSENSE)
async def test_nonsense_costs_the_connection_at_most(octets, bench, sinking, until):
    bench.measure()
    async with FakeBroker(puback) as broker, sinking(broker.url) as sink:
        await until(lambda: sink.status().state == SinkState.ONLINE)
        broker.say(bytes.fromhex(octets))
        await bench.fill(3)
        sink.wake()
        await until(lambda: sink.status().backlog == 0)
        await until(lambda: sink.status().state == SinkState.ONLINE)


async def test_failing_over_is_told_once_for_each_state(bench, sinking, until, caplog):
    with caplog.at_level(logging.WARNING):
        async with sinking(urls=tuple(f"mqtt://{HOST}:{free_port()}" for _ in range(3))) as sink:
            await until(lambda: bench.counters.snapshot().get("mqtt_connections_lost", 0) >= 7)
            assert sink.status().state == SinkState.UNREACHABLE
    assert len(caplog.records) == 1
