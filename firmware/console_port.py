"""The console as the link's line: wait for octets, write a frame."""

import asyncio
import select

from wire.compat import const

_BURST_OCTETS = const(64)  # taken from the console in one go; its receive ring holds 260
_PIECE_OCTETS = const(64)  # written in one go: at 115200 baud no interrupt waits for over 6 ms
_FLAG = const(0x7E)
_HUNG_UP_MS = const(200)  # between two looks at an input that is at its end


class ConsolePort:
    """The REPL's own line. Its octets are taken one by one: more would block until all are there."""

    def __init__(self, streams: tuple) -> None:
        self._input, self._output = streams
        self._reader = asyncio.StreamReader(self._input)
        self._poller = select.poll()
        self._poller.register(self._input, select.POLLIN)
        self._buffer = bytearray(_BURST_OCTETS)

    async def read(self) -> bytes:
        """Wait for octets; give those that are there, up to a flag: its time is then known."""
        octet = await self._reader.read(1)
        count = 0
        while octet:
            self._buffer[count] = octet[0]
            count += 1
            if octet[0] == _FLAG or count == _BURST_OCTETS or not self._poller.poll(0):
                return bytes(memoryview(self._buffer)[:count])
            octet = self._input.read(1)
        if not count:
            await asyncio.sleep_ms(_HUNG_UP_MS)
        return bytes(memoryview(self._buffer)[:count])

    def write(self, frame: bytes) -> None:
        """Write one frame; nobody need be there to read it."""
        view = memoryview(frame)
        for at in range(0, len(frame), _PIECE_OCTETS):
            self._output.write(view[at : at + _PIECE_OCTETS])
