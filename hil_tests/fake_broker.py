"""A broker that answers as a test says: a stand-in for brokers that cannot be installed here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from hil_tests.broker import HOST

ACCEPT = bytes.fromhex("20 03 00 00 00")  # CONNACK, no properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One PUBLISH as it came, its variable header and payload not taken apart further."""

    packet_id: int
    topic: str
    body: bytes


class FakeBroker:
    """Listens on a free port; an async context manager.

    `connack` is sent for CONNECT. `answer` gives the octets for a PUBLISH, none for silence.
    """

    def __init__(
        self, answer: Callable[[Published], bytes], *, connack: bytes = ACCEPT, port: int = 0
    ) -> None:
        self.answer = answer
        self.connack = connack
        self.pings = True  # are answered
        self.pinged = 0
        self.connects: list[bytes] = []
        self.published: list[Published] = []
        self.port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """As a sink's configuration names it."""
        return f"mqtt://{HOST}:{self.port}"

    def records(self) -> list[Published]:
        """What was published, without the gateway's own state."""
        return [each for each in self.published if not each.topic.endswith("/status")]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._on_client, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                first, body = await self._packet(reader)
                match first & 0xF0:
                    case 0x10:
                        self.connects.append(body)
                        writer.write(self.connack)
                    case 0x30:
                        published = _published(body)
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

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        first = (await reader.readexactly(1))[0]
        size = shift = 0
        while True:
            octet = (await reader.readexactly(1))[0]
            size |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return first, await reader.readexactly(size)


def puback(published: Published, reason: int = 0) -> bytes:
    """The PUBACK for a publish."""
    packet_id = published.packet_id.to_bytes(2, "big")
    return b"\x40\x03" + packet_id + bytes([reason]) if reason else b"\x40\x02" + packet_id


def _published(body: bytes) -> Published:
    end = 2 + int.from_bytes(body[:2], "big")
    return Published(
        packet_id=int.from_bytes(body[end : end + 2], "big"),
        topic=body[2:end].decode(),
        body=body[end + 2 :],
    )
