"""A network path that stops carrying packets without telling either end.

It stands between a client and a server. While a direction is dark, its octets stay where they are and no
connection ends, as with a dead radio link. When it is lit again, TCP would send them again, and so they
arrive late; or the path has forgotten its connections, as a router does that was switched off: they stay
dark for ever, only new ones work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from hil_tests.broker import HOST

READ_OCTETS = 65_536


class Way(StrEnum):
    """A direction."""

    UP = "up"  # from the client to the server
    DOWN = "down"


@dataclass(slots=True, eq=False)
class _Path:
    """One connection through it."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    forgotten: bool = False


class BlackHole:
    """Carries a free port to `target_port` of this host. An async context manager."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.connections = 0  # that were ever made
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._paths: set[_Path] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lit = {way: asyncio.Event() for way in Way}
        for event in self._lit.values():
            event.set()

    @property
    def url(self) -> str:
        """As a sink's configuration names it."""
        return f"mqtt://{HOST}:{self.port}"

    def darken(self, ways: Iterable[Way] = tuple(Way), *, forget: bool = False) -> None:
        """Carry nothing in these directions from now on. `forget`: connections of now never again."""
        for way in ways:
            self._lit[way].clear()
        for path in self._paths:
            path.forgotten |= forget

    def light(self) -> None:
        """Carry again."""
        for event in self._lit.values():
            event.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._on_client, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for path in self._paths:
            for writer in path.writers:
                writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        path = _Path((writer, server_writer))
        self._paths.add(path)
        for way, source, sink in ((Way.UP, reader, server_writer), (Way.DOWN, server_reader, writer)):
            task = asyncio.create_task(self._carry(path, way, source, sink), name=f"{way} {self.connections}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, path: _Path, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                octets = await _read(source)
                await self._lit[way].wait()
                if path.forgotten:
                    if not octets:
                        return
                    continue
                if not octets:
                    sink.close()
                    return
                sink.write(octets)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            if all(writer.is_closing() for writer in path.writers):
                self._paths.discard(path)


async def _read(source: asyncio.StreamReader) -> bytes:
    """The next octets; none at the end of the connection, however it ended."""
    try:
        return await source.read(READ_OCTETS)
    except ConnectionError:
        return b""
