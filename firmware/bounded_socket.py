"""The socket that umqtt.simple gets: no call waits for long, and one packet goes out as one piece.

umqtt waits for ever for the rest of a packet (it calls setblocking(True) for that), and writes each
packet in four pieces.
"""

import asyncio
import errno
import select
import time

from wire.compat import const
from wire.fields import MESSAGE_OCTETS

_WAIT_MS = const(1000)  # for all that umqtt reads in one call; nothing else runs meanwhile
_STUCK_MS = const(20000)  # without an octet taken, then nobody is there
_LOOK_MS = const(20)


class BoundedSocket:
    """Has what umqtt.simple uses: read, write, setblocking, close. Every end is an OSError."""

    def __init__(self, sock) -> None:
        self._sock = sock
        self._reader = asyncio.StreamReader(sock)
        self.held = None  # the first octet of a packet, which says that there is one
        self._out = b""
        self._moved_ms = 0
        self._until_ms = 0
        sock.setblocking(False)

    async def connect(self, address, most_ms: int) -> None:
        """TCP to the address. Raises OSError, ETIMEDOUT after `most_ms`."""
        try:
            self._sock.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(self._sock, select.POLLOUT)
        for _ in range(most_ms // _LOOK_MS):
            if poller.poll(0):
                return  # or refused: the first write says so
            await asyncio.sleep_ms(_LOOK_MS)
        raise OSError(errno.ETIMEDOUT)

    async def readable(self, most_ms: int) -> bool:
        """Whether a packet begins, or the connection has ended, within that time."""
        if self.held is None:
            try:
                await asyncio.wait_for_ms(self._hold(), most_ms)
            except asyncio.TimeoutError:
                pass
        self.begin()
        return self.held is not None

    async def _hold(self) -> None:
        self.held = await self._reader.read(1)

    def begin(self) -> None:
        """What is read from now on has to be there within _WAIT_MS."""
        self._until_ms = time.ticks_add(time.ticks_ms(), _WAIT_MS)

    def setblocking(self, _wanted: bool) -> None:
        """Nothing: `read` has its own limits."""

    def read(self, count: int) -> bytes:
        """Exactly so many octets; none at the end of the connection."""
        if count > MESSAGE_OCTETS:
            raise OSError(errno.EINVAL)
        self.flush()
        if self.held is not None:
            octets = self.held
            self.held = None
            return octets
        left_ms = time.ticks_diff(self._until_ms, time.ticks_ms())
        if left_ms <= 0:
            raise OSError(errno.ETIMEDOUT)
        self._sock.settimeout(left_ms / 1000)
        octets = self._sock.read(count)
        self._sock.settimeout(0)
        if octets is None or len(octets) < count:
            raise OSError(errno.ECONNRESET)
        return octets

    def write(self, octets: bytes, count: "int | None" = None) -> None:
        """Keep for `flush`."""
        if not self._out:
            self._moved_ms = time.ticks_ms()
        self._out += octets if count is None else octets[:count]

    def flush(self) -> bool:
        """Send what goes now; True when nothing is left."""
        if not self._out:
            return True
        try:
            sent = self._sock.send(self._out)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINPROGRESS):
                raise
            sent = 0
        now_ms = time.ticks_ms()
        if sent:
            self._out = self._out[sent:]
            self._moved_ms = now_ms
        elif time.ticks_diff(now_ms, self._moved_ms) > _STUCK_MS:
            raise OSError(errno.ETIMEDOUT)
        return not self._out

    def close(self) -> None:
        """Give the socket back."""
        self._sock.close()
