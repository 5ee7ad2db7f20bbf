"""What the tool says to a node and makes of what the node says, on a pty."""

from decimal import Decimal

import pytest

from provisioning import greeting
from provisioning.greeting import NoHello, greet
from provisioning.serial_port import SerialPort
from tests.provisioning.scripted_board import Chatterer, Peer
from wire import cbor, down, up
from wire.faults import ABSENT, UNSETTLED
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff

BOOT = 3 << 16 | 77
DESCRIPTOR = {
    "channels": [
        {"name": "air_temperature", "unit": "Cel", "exp": -2, "sensor": "bme280"},
        {"name": "bridge_counts", "unit": "count", "exp": 0, "sensor": "hx711"},
    ],
    "groups": [{"name": "all", "channels": [0, 1], "period_ms": 100}],
    "node": {"name": "north", "board": "a board", "site": ""},
}


def hello(**changes):
    values = {
        "uid": bytes.fromhex("240ac4000001"),
        "boot": BOOT,
        "ticks": 5,
        "fw": "fieldgate 0.1.0",
        "desc": bytes(8),
        "reset": "hard",
        "queued": [[BOOT, 1, 0, 7]],
        "mtu": 1024,
        "nonce": bytes(8),
    }
    return up.Hello(**{**values, **changes})


def block(values, exceptions=None, group=0, boot=BOOT):
    return up.Block(boot, 1, 0, group, 1000, 0, values, exceptions or {})


class ScriptedNode(Peer):
    """Answers WHO with HELLO, WELCOME with the messages given; keeps what it was told."""

    def __init__(self, *answers, first=None):
        super().__init__()
        self.told = []
        self._answers = answers
        self._first = first or hello()
        self._reader = FrameReader(FRAME_LIMIT_DOWN)

    def on_octets(self, octets):
        for frame in self._reader.feed(octets):
            message = down.decode(frame)
            self.told.append(message)
            if isinstance(message, down.Who):
                self.say(self._first)
            elif message.need_desc:
                for answer in self._answers:
                    self.say(answer)

    def say(self, message):
        octets = message if isinstance(message, bytes) else message.encode(cbor.Encoder(1024))
        self.send(b"boot text\r\n" + stuff(octets, ESCAPES_UP))


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(greeting, "READINGS_S", 1.0)
    monkeypatch.setattr(greeting, "HELLO_S", 1.0)


def met(peer):
    with peer:
        port = SerialPort.open(peer.path, lines_high=False)
        try:
            return greet(port, lambda _: None)
        finally:
            port.close()


def test_a_node_is_met_with_its_values_in_units():
    found = met(ScriptedNode(up.Describe(DESCRIPTOR), block([2541, -48000, 3, 5])))
    assert (found.uid, found.boot_count, found.reset) == ("240ac4000001", 3, "hard")
    assert found.node.name == "north"
    assert found.node.sensors == ["bme280", "hx711"]
    temperature = found.readings["air_temperature"]
    assert (temperature.value, temperature.unit) == (Decimal("25.41"), "°C")
    assert found.readings["bridge_counts"].value == -48000


def test_a_node_is_met_when_its_sensors_have_values_whatever_it_says_of_itself():
    own = {"channels": [*DESCRIPTOR["channels"], {"name": "heap_free", "unit": "B"}]}
    groups = {"groups": [*DESCRIPTOR["groups"], {"name": "health", "channels": [2], "period_ms": 60000}]}
    found = met(ScriptedNode(up.Describe({**DESCRIPTOR, **own, **groups}), block([2541, -48000])))
    assert found.complete
    assert found.node.sensors == ["bme280", "hx711"]
    assert [channel.name for channel in found.node.measured] == ["air_temperature", "bridge_counts"]


def test_nothing_is_acknowledged_and_the_last_word_lets_the_node_look_for_a_gateway():
    node = ScriptedNode(up.Describe(DESCRIPTOR), block([1, 2]), block([3, 4]))
    met(node)
    assert {type(message) for message in node.told} == {down.Who, down.Welcome}
    assert all(message.next == [] for message in node.told if isinstance(message, down.Welcome))
    assert isinstance(node.told[-1], down.Who)


def test_a_value_is_waited_for_where_a_converter_settles():
    unsettled = block([2541, None], {1: UNSETTLED.code})
    found = met(ScriptedNode(up.Describe(DESCRIPTOR), unsettled, block([2541, 9])))
    assert found.readings["bridge_counts"].value == 9


def test_a_missing_sensor_has_its_fault_in_place_of_a_value():
    found = met(ScriptedNode(up.Describe(DESCRIPTOR), block([None, 7], {0: ABSENT.code})))
    assert found.readings["air_temperature"].value is None
    assert found.readings["air_temperature"].fault == "absent"
    assert found.complete


def test_what_a_node_complains_about_is_kept_and_fit_for_a_terminal():
    log = up.Log(5, "error", "defaults in use, settings: \x1b[2Jgain")
    found = met(ScriptedNode(up.Describe(DESCRIPTOR), log, up.Log(6, "info", "started")))
    assert found.complaints == ["defaults in use, settings: ?[2Jgain"]


@pytest.mark.parametrize(
    "descriptor",
    [
        {},
        {"channels": 5, "groups": {"a": 1}, "node": [1]},
        {"channels": [1, {"name": 2, "exp": 10**9, "unit": b"x"}], "groups": [{"channels": [0, 7, -1, "x"]}]},
    ],
)
def test_a_descriptor_that_makes_no_sense_costs_only_itself(descriptor):
    found = met(
        ScriptedNode(up.Describe(descriptor), block([1]), block([1, 2, 3], group=200), b"\x81\x18\x63")
    )
    assert found.uid == "240ac4000001"
    assert all(reading.value in {None, 1} for reading in found.readings.values())


def test_records_of_another_boot_are_no_first_reading():
    found = met(ScriptedNode(up.Describe(DESCRIPTOR), block([1, 2], boot=BOOT - 1)))
    assert found.readings == {}


def test_a_crash_on_the_console_is_no_hello_and_is_named():
    trace = b'Traceback (most recent call last):\r\n  File "main.py", line 17\r\nValueError: too many\r\n'
    with pytest.raises(NoHello) as caught:
        met(Chatterer(trace))
    assert caught.value.crash == "ValueError: too many"


def test_silence_is_no_hello():
    with pytest.raises(NoHello) as caught:
        met(Peer())
    assert caught.value.crash == ""
