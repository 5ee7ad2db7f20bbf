"""gateway/wifi_port.py at a real broker: lines for nodes, and refusals for what is no node's."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from gateway.counters import Conditions, Counters
from gateway.host_clock import HostClock
from gateway.wifi_config import WifiConfig
from gateway.wifi_line import MESSAGES_LIMIT, WifiLine
from gateway.wifi_port import NODES_LIMIT, WifiPort
from hil_tests.broker import Broker
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway
from tests.wire.chain import BOOT, UID
from wire import cbor, up
from wire.fields import MESSAGE_OCTETS

__all__ = ["gateway"]

NODE = UID.hex()
OTHER = bytes(6)


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        yield broker


class Nodes:
    """Whoever publishes at the broker."""

    def __init__(self, broker):
        self._client = Client(CallbackAPIVersion.VERSION2)
        self.heard = []
        self._client.on_message = lambda *came: self.heard.append((came[2].topic, came[2].payload))
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe("fieldgate/node/+/down")
        self._client.loop_start()

    def say(self, payload, topic=f"fieldgate/node/{NODE}/up"):
        self._client.publish(topic, payload)

    def leave_behind(self, payload):
        """The broker has it, and keeps it."""
        self._client.publish(f"fieldgate/node/{NODE}/up", payload, qos=1, retain=True).wait_for_publish(8)

    def end(self):
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_message = None


@pytest.fixture
def nodes(broker):
    nodes = Nodes(broker)
    yield nodes
    nodes.end()


class Port:
    """A WifiPort that runs; its lines keep what they read."""

    def __init__(self, config, serve=None):
        self.counters = Counters()
        self.conditions = Conditions(self.counters)
        self.lines = []
        self.read = []
        self.port = WifiPort(
            config,
            serve or self._serve,
            counters=self.counters,
            conditions=self.conditions,
            clock=HostClock(assume_synchronised=True),
        )

    async def _serve(self, line):
        self.lines.append(line)
        while True:
            message, _arrived_ns = await line.read()
            self.read.append((line.uid.hex(), message))

    def count(self, name):
        return self.counters.snapshot().get(name, 0)

    def state(self):
        return self.port.status()[0].state


@asynccontextmanager
async def serving(config, serve=None):
    port = Port(config, serve)
    task = asyncio.create_task(port.port.run())
    try:
        yield port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_each_node_has_a_line_and_is_answered_on_its_own_topic(broker, nodes):
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.state() == "open")
        nodes.say(b"\x81\x01")
        nodes.say(b"\x81\x02", "fieldgate/node/240ac4000099/up")
        nodes.say(b"\x81\x03")
        await until(lambda: len(port.read) == 3)
        assert {uid for uid, _ in port.read} == {NODE, "240ac4000099"}
        assert [message for uid, message in port.read if uid == NODE] == [b"\x81\x01", b"\x81\x03"]
        assert len(port.lines) == 2
        line = next(line for line in port.lines if line.uid == UID)
        await line.write(b"\x81\x0c")
        await until(lambda: nodes.heard == [(f"fieldgate/node/{NODE}/down", b"\x81\x0c")])


@pytest.mark.parametrize(
    ("topic", "octets", "name"),
    [
        ("fieldgate/node/240AC4000001/up", 2, "wifi_foreign_topic"),
        ("fieldgate/node/240ac400/up", 2, "wifi_foreign_topic"),
        ("fieldgate/node/../up", 2, "wifi_foreign_topic"),
        (f"fieldgate/node/{NODE}/up", MESSAGE_OCTETS + 1, "wifi_oversized"),
    ],
)
async def test_what_is_no_nodes_is_refused_by_name_and_what_follows_is_taken(
    topic, octets, name, broker, nodes
):
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.state() == "open")
        nodes.say(bytes(octets), topic)
        nodes.say(b"\x81\x01")
        await until(lambda: port.read == [(NODE, b"\x81\x01")])
        assert port.count(name) == 1
        assert [fault.state for fault in port.conditions.faults()] == [name]


async def test_a_retained_message_is_refused_for_it_is_old(broker, nodes):
    nodes.leave_behind(b"\x81\x07")
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.count("wifi_retained"))
        nodes.say(b"\x81\x01")
        await until(lambda: port.read == [(NODE, b"\x81\x01")])


async def test_a_packet_too_long_for_anybody_does_not_end_the_connection(broker, nodes):
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.state() == "open")
        nodes.say(bytes(100_000))
        nodes.say(b"\x81\x01")
        await until(lambda: port.read == [(NODE, b"\x81\x01")])
        assert port.count("wifi_broker_lost") == 0


async def test_more_nodes_than_the_limit_are_refused(broker, nodes):
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.state() == "open")
        for number in range(NODES_LIMIT + 3):
            nodes.say(b"\x81\x01", f"fieldgate/node/240ac4{number:06x}/up")
        await until(lambda: port.count("wifi_too_many_nodes") == 3)
        await until(lambda: len(port.read) == NODES_LIMIT)


async def test_a_line_that_is_too_slow_keeps_so_many_messages_and_no_more(broker, nodes):
    waiting = asyncio.Event()

    async def never(_line):
        await waiting.wait()

    async with serving(WifiConfig(url=broker.url, client_id="gw"), never) as port:
        await until(lambda: port.state() == "open")
        for _ in range(MESSAGES_LIMIT + 5):
            nodes.say(b"\x81\x01")
        await until(lambda: port.count("wifi_queue_full") == 5)


async def test_a_broker_that_goes_ends_the_lines_and_is_found_again(broker, nodes):
    async with serving(WifiConfig(url=broker.url, client_id="gw")) as port:
        await until(lambda: port.state() == "open")
        nodes.say(b"\x81\x01")
        await until(lambda: port.read)
        broker.stop()
        await until(lambda: port.state() == "lost")
        assert port.count("wifi_broker_lost") >= 1
        broker.start()
        await until(lambda: port.state() == "open")
        while len(port.lines) < 2:  # until the node is connected again, too
            nodes.say(b"\x81\x02")
            await asyncio.sleep(0.05)


async def test_a_wrong_password_is_a_state_with_a_next_step(tmp_path):
    (tmp_path / "passwd").touch()
    settings = f"allow_anonymous false\npassword_file {tmp_path / 'passwd'}"
    with Broker(tmp_path / "broker", settings=settings) as broker:
        config = WifiConfig(url=broker.url, client_id="gw", user="nobody")
        async with serving(config) as port:
            await until(lambda: port.state() == "denied")
            assert "password_file" in port.port.status()[0].detail


def hello(uid):
    return up.Hello(uid, BOOT, 0, "fw", bytes(8), "power_on", [], MESSAGE_OCTETS, bytes(8))


async def test_a_node_on_the_topic_of_another_is_refused(gateway):
    said = []
    line = WifiLine("broker/x", UID, said.append)
    async with gateway.line_on(line):
        encoder = cbor.Encoder(1024)
        line.take(hello(OTHER).encode(encoder), gateway.clock.boottime_ns())
        await until(lambda: gateway.count("uid_foreign") == 1)
        assert not list(gateway.nodes)
        line.take(hello(UID).encode(encoder), gateway.clock.boottime_ns())
        await until(lambda: [node.uid for node in gateway.nodes] == [UID])
