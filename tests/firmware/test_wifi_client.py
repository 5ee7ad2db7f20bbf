"""firmware/wifi_client.py on the real MicroPython and the real umqtt.simple, over TCP."""

import socket
import threading
from contextlib import suppress

import pytest

from hil_tests.stock_image import UMQTT, umqtt
from tests.firmware.node import run_script

pytestmark = pytest.mark.timeout(60)
PACKET_IDS = 65_535  # MQTT 3.1.1, section 2.2.1; umqtt counts on beyond them
MESSAGES = PACKET_IDS + 1000
QUIET_S = 0.2
CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
DOWN = b"\x00\x20fieldgate/node/240ac4000001/down"
# The radio: in the network, always.
RADIO = """
STA_IF = 0

class WLAN:
    def __init__(self, interface):
        pass

    def active(self, on):
        pass

    def isconnected(self):
        return True

    def config(self, what):
        return "site"
"""
SAYS_ALL = """
import asyncio, sys
sys.path.insert(0, "{directory}")
from firmware.wifi_client import WifiClient

class Heart:
    due_ms = []

client = WifiClient(
    {{"ssid": "site", "key": ""}},
    {{"host": "127.0.0.1", "port": {port}, "user": "", "password": ""}},
    Heart,
)

async def say():
    print(await client.read())
    heard = asyncio.create_task(client.read())
    count = 0
    while not heard.done():
        client.write(b"%08d" % count)
        count += 1
        if not count % 64:
            await asyncio.sleep_ms(0)
    print(await heard)
    print(await client.read())

asyncio.run(say())
"""


def publication(head, message):
    return bytes([head, len(DOWN) + len(message)]) + DOWN + message


class Broker(threading.Thread):
    """Counts what is published; after enough it says so, closes, and takes the next connection.

    To each it begins with a message that it retained: an order in it would be obeyed again and again.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.counts = []
        self.subscriptions = []  # their packet ids

    def run(self):
        with self._listener:
            for _ in range(2):
                connection, _ = self._listener.accept()
                with connection, suppress(ConnectionError):  # a program that ends closes in no particular way
                    self._serve(connection)

    def _serve(self, connection):
        self.counts.append(0)
        waiting = b""
        while octets := connection.recv(65536):
            waiting += octets
            at = 0
            while len(waiting) - at > 1 and len(waiting) - at >= 2 + waiting[at + 1]:
                size = 2 + waiting[at + 1]  # all of these are short
                self._take(connection, waiting[at : at + size])
                at += size
            waiting = waiting[at:]
            if self.counts[-1] >= MESSAGES:
                connection.sendall(publication(0x30, b"enough"))
                self._close(connection)
                return

    def _close(self, connection):
        connection.settimeout(QUIET_S)  # what is not read would make it a reset, and "enough" be lost
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            pass

    def _take(self, connection, packet):
        kind = packet[0] >> 4
        if kind == CONNECT:
            connection.sendall(b"\x20\x02\x00\x00")
        elif kind == SUBSCRIBE:
            self.subscriptions.append(int.from_bytes(packet[2:4], "big"))
            connection.sendall(b"\x90\x03" + packet[2:4] + b"\x00" + publication(0x31, b"of old"))
        elif kind == PUBLISH:
            self.counts[-1] += 1


def test_more_messages_than_there_are_packet_ids_go_over_one_connection_and_the_next_one_works(tmp_path):
    (tmp_path / "network.py").write_text(RADIO)
    (tmp_path / "umqtt").mkdir()
    (tmp_path / "umqtt" / "simple.mpy").write_bytes(umqtt()[UMQTT])
    broker = Broker()
    broker.start()
    said = run_script(SAYS_ALL.format(directory=tmp_path, port=broker.port), timeout_s=50).splitlines()
    broker.join(5)
    assert [line for line in said if not line.startswith("wifi: OSError")] == [
        "wifi: connected",
        "b'\\x81\\x0c'",
        "b'enough'",
        "wifi: connected",
        "b'\\x81\\x0c'",
    ]
    assert broker.counts[0] >= MESSAGES
    assert broker.subscriptions == [1, 1]  # a client for each connection, and QoS 0 needs no id
