"""A Unix socket in the state directory: one answer to every client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Self

from gateway.socket_address import address_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660  # the service's group may ask
CLIENT_LIMIT = 16
REQUEST_LIMIT = 512 * 1024  # octets of a line; a node's application in base64 is the longest
CLIENT_TIMEOUT_S = 5.0  # for a client that does not read, and for an agent that does not answer
RETRY_S = 5.0  # while a full or read-only disk takes no socket
ANSWER_LIMIT = 4 * 1024 * 1024  # octets a client reads; the status of a thousand nodes is 300 KiB


class SocketServer:
    """Gives each client one answer and closes. `name` is for the log.

    `async with` it where a failure to listen (OSError) matters; `await run()` where it must not.
    """

    def __init__(
        self, path: Path, answer: Callable[[asyncio.StreamReader], Awaitable[bytes]], *, name: str
    ) -> None:
        self._path = path
        self._answer = answer
        self._name = name
        self._server: asyncio.Server | None = None
        self._undo = contextlib.ExitStack()
        self._inode = 0
        self._clients = 0

    async def run(self) -> None:
        """Serve until cancelled. Where it cannot listen it says so once and tries again."""
        said = False
        while True:
            try:
                async with self:
                    said = False
                    await asyncio.Future()
            except OSError as error:
                if not said:
                    log.warning("%s: cannot listen at %s: %s", self._name, self._path, error)
                said = True
                await asyncio.sleep(RETRY_S)

    async def __aenter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            address = undo.enter_context(address_of(self._path))
            # A socket that an earlier process left is replaced by asyncio; a file of another kind is not.
            # To begin serving takes a turn of the loop, in which this may be cancelled: not unnoticed.
            server = await asyncio.start_unix_server(
                self._on_client, address, limit=REQUEST_LIMIT, start_serving=False
            )
            undo.callback(server.close)
            await server.start_serving()
            self._path.chmod(SOCKET_MODE)
            self._inode = self._path.stat().st_ino
            self._server, self._undo = server, undo.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            if self._path.exists() and self._path.stat().st_ino == self._inode:  # not a successor's
                self._path.unlink(missing_ok=True)
        self._undo.close()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= CLIENT_LIMIT:
                async with asyncio.timeout(CLIENT_TIMEOUT_S):
                    writer.write(await self._answer(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            log.debug("%s: a client went away: %s", self._name, error)
        finally:
            self._clients -= 1
            writer.transport.abort()


def exchange(path: Path, request: bytes = b"") -> bytes:
    """The answer of the agent that listens at `path`; empty when it closes without one. Raises OSError."""
    answer = bytearray()
    with socket.socket(socket.AF_UNIX) as client, address_of(path) as address:
        client.settimeout(CLIENT_TIMEOUT_S)
        client.connect(address)
        if request:
            client.sendall(request)
        while (octets := client.recv(65_536)) and len(answer) < ANSWER_LIMIT:
            answer += octets
    return bytes(answer)
