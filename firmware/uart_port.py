"""A UART as the link's line: wait for octets, write a frame."""

import asyncio

from wire.compat import const

_CHUNK_OCTETS = const(256)


class UartPort:
    """A UART of its own, so that the console stays free."""

    def __init__(self, uart) -> None:
        self._uart = uart
        self._reader = asyncio.StreamReader(uart)
        self._buffer = bytearray(_CHUNK_OCTETS)

    async def read(self) -> bytes:
        """Wait for octets; give those that are there."""
        count = await self._reader.readinto(self._buffer)
        return bytes(memoryview(self._buffer)[: count or 0])

    def write(self, frame: bytes) -> None:
        """Write one frame, as far as the UART's buffer takes it."""
        self._uart.write(frame)
