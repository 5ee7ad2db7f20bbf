"""A socket that sends and receives in large pieces for a client that does so in small ones.

paho-mqtt sends every packet by itself and receives each in three pieces. A system call and the
broker's waking up for each cost more than all its Python. PUBACKs are taken out before it sees them.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

from gateway.sinks.mqtt_packets import split

if TYPE_CHECKING:
    import socket

    from gateway.sinks.mqtt_packets import Puback

GREETING_OCTETS = 4  # of the first packet: a whole CONNACK of MQTT 3.1.1
RECEIVE_OCTETS = 65_536
PACKET_LIMIT = 16_384  # a publisher is sent acknowledgements only; their longest part is a reason's text


class BufferedSocket:
    """Looks like the socket it wraps. `send` keeps, `flush` sends."""

    def __init__(self, inner: socket.socket, packet_limit: int = PACKET_LIMIT) -> None:
        self.greeting = b""  # the first GREETING_OCTETS that came
        self._inner = inner
        self._limit = packet_limit
        self._skipped = 0  # messages that were too long
        self._skip = 0  # octets to come that are for nobody
        self._out = bytearray()
        self._in = b""  # whole packets, up to where they were taken
        self._rest = b""  # the beginning of a packet
        self._pubacks: list[Puback] = []

    @property
    def unsent(self) -> int:
        """Octets that wait for `flush`."""
        return len(self._out)

    def pending(self) -> int:
        """Octets received that nobody has taken: no event will tell of them."""
        decrypted = self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0
        return len(self._in) + decrypted

    def send(self, octets: bytes) -> int:
        """Keep for `flush`."""
        self._out += octets
        return len(octets)

    def flush(self) -> None:
        """Send what waits, as much as the socket takes now. Raises OSError."""
        if self._out:
            try:
                del self._out[: self._inner.send(self._out)]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return

    def recv(self, count: int) -> bytes:
        """Up to `count` octets of a whole packet that is no PUBACK; none at the end of the connection.

        Raises BlockingIOError where there are none now, as a socket does, and OSError.
        """
        if not self._in:
            octets = self._inner.recv(RECEIVE_OCTETS)
            if not octets:
                return octets
            if len(self.greeting) < GREETING_OCTETS:
                self.greeting = (self.greeting + octets)[:GREETING_OCTETS]
            octets, self._skip = octets[self._skip :], max(0, self._skip - len(octets))
            pubacks, self._in, self._rest, skip, skipped = split(self._rest + octets, self._limit)
            self._pubacks += pubacks
            self._skip += skip
            self._skipped += skipped
            if not self._in:
                raise BlockingIOError
        octets, self._in = self._in[:count], self._in[count:]
        return octets

    def take_pubacks(self) -> list[Puback]:
        """What the broker answered since the last call."""
        pubacks, self._pubacks = self._pubacks, []
        return pubacks

    def take_skipped(self) -> int:
        """How many messages were too long since the last call."""
        skipped, self._skipped = self._skipped, 0
        return skipped

    def fileno(self) -> int:
        """The wrapped socket's."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - a socket's signature
        """The wrapped socket's."""
        self._inner.setblocking(flag)

    def close(self) -> None:
        """Send what can go now, a good bye perhaps, and close the wrapped socket."""
        with contextlib.suppress(OSError):
            self.flush()
        self._inner.close()
