"""A broker that answers as a test says: a stand-in for brokers that misbehave, or cannot be had here.

What it answers is in hil_tests/broker_answers.py; what it does to its connections are methods here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil_tests.broker import HOST

ACCEPT = bytes.fromhex("20 03 00 00 00")  # CONNACK, no properties
ACCEPT_311 = bytes.fromhex("20 02 00 00")
MQTT_5 = 5  # its protocol level
MQTT_311 = 4
SESSION_TAKEN_OVER = bytes.fromhex("e0 01 8e")  # DISCONNECT
FULL_OCTETS = 4096  # what it takes of a client that it does not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One PUBLISH as it came, its variable header and payload not taken apart further."""

    packet_id: int
    topic: str
    body: bytes
    level: int = MQTT_5

    @property
    def properties(self) -> dict[str, str]:
        """Its user properties; MQTT 3.1.1 has none."""
        return dict(getattr(self._unpacked()[0], "UserProperty", []))

    @property
    def payload(self) -> bytes:
        """What it carries."""
        return self.body[self._unpacked()[1] :]

    def _unpacked(self) -> tuple[Properties, int]:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if self.level < MQTT_5:
            return properties, 0
        unpacked: tuple[Properties, int] = properties.unpack(self.body)  # type: ignore[no-untyped-call]
        return unpacked


class FakeBroker:
    """Listens on a free port; an async context manager.

    `connack` is sent for a CONNECT of MQTT 5, `connack_311` for one of 3.1.1; none ends the connection
    without an answer. `answer` gives the octets for a PUBLISH, none for silence. All of them may be
    changed at any time.
    """

    def __init__(
        self,
        answer: Callable[[Published], bytes],
        *,
        connack: bytes = ACCEPT,
        connack_311: bytes = ACCEPT_311,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.connack = connack
        self.connack_311 = connack_311
        self.pings = True  # are answered
        self.pinged = 0
        self.connects: list[bytes] = []
        self.published: list[Published] = []
        self.port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._reading = asyncio.Event()
        self._reading.set()

    @property
    def url(self) -> str:
        """As a sink's configuration names it."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._writers)

    @property
    def levels(self) -> list[int]:
        """The protocol level of each CONNECT, in their order."""
        return [level_of(connect) for connect in self.connects]

    def records(self) -> list[Published]:
        """What was published, without the gateway's own state."""
        return [each for each in self.published if not each.topic.endswith("/status")]

    def say(self, octets: bytes) -> None:
        """Send octets to everybody, whatever they are."""
        for writer in self._writers:
            writer.write(octets)

    def take_over(self) -> None:
        """Tell everybody that another client has come under the same name, and leave the end to them.

        To close as well would be a race: a socket that is closed on unread octets takes back what it said.
        """
        self.say(SESSION_TAKEN_OVER)

    def drop(self) -> None:
        """Reset all connections."""
        for writer in self._writers:
            writer.transport.abort()

    def stop_reading(self) -> None:
        """Leave in the sockets what comes, until they are full; connections stay open."""
        self._reading.clear()

    def read_on(self) -> None:
        """Read again."""
        self._reading.set()

    async def __aenter__(self) -> Self:
        listening = socket.create_server((HOST, self.port))
        # Small, so that a window of a few records fills it when nobody reads.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FULL_OCTETS)
        self._server = await asyncio.start_server(self._on_client, sock=listening, limit=FULL_OCTETS)
        self.port = listening.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # asyncio leaves the transport of a connection open that is being accepted while it closes.
        for _turn in range(5):
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()
        self.read_on()
        self.drop()
        await asyncio.sleep(0)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        level = MQTT_5
        try:
            while True:
                first, body = await self._packet(reader)
                match first & 0xF0:
                    case 0x10:
                        self.connects.append(body)
                        level = level_of(body)
                        connack = self.connack if level == MQTT_5 else self.connack_311
                        if not connack:
                            return
                        writer.write(connack)
                    case 0x30:
                        published = _published(body, level)
                        self.published.append(published)
                        writer.write(self.answer(published))
                    case 0xC0:
                        self.pinged += 1
                        writer.write(b"\xd0\x00" if self.pings else b"")
                    case 0xE0:
                        return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _packet(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        first = (await reader.readexactly(1))[0]
        await self._reading.wait()
        size = shift = 0
        while True:
            octet = (await reader.readexactly(1))[0]
            size |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return first, await reader.readexactly(size)


def level_of(connect: bytes) -> int:
    """The protocol level in the body of a CONNECT."""
    return connect[2 + int.from_bytes(connect[:2], "big")]


def puback(published: Published, reason: int = 0) -> bytes:
    """The PUBACK for a publish. MQTT 3.1.1 knows no reasons: there it is always a success."""
    packet_id = published.packet_id.to_bytes(2, "big")
    if reason and published.level >= MQTT_5:
        return b"\x40\x03" + packet_id + bytes([reason])
    return b"\x40\x02" + packet_id


def _published(body: bytes, level: int) -> Published:
    end = 2 + int.from_bytes(body[:2], "big")
    return Published(
        packet_id=int.from_bytes(body[end : end + 2], "big"),
        topic=body[2:end].decode(),
        body=body[end + 2 :],
        level=level,
    )
