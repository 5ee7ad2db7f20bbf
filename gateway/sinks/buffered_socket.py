"""A socket that sends and receives in large pieces for a client that does so in small ones.

paho-mqtt sends every packet by itself and receives each in three pieces. A system call and the
broker's waking up for each cost more than all its Python. PUBACKs are taken out before it sees them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from paho.mqtt.client import Client

from gateway.sinks.mqtt_packets import split

if TYPE_CHECKING:
    from gateway.sinks.mqtt_packets import Puback

GREETING_OCTETS = 4  # of the first packet: a whole CONNACK of MQTT 3.1.1
RECEIVE_OCTETS = 65_536
PACKET_LIMIT = 16_384  # a publisher is sent acknowledgements only; their longest part is a reason's text


class BufferedSocket:
    """Looks like the socket it wraps. `send` keeps, `flush` sends."""

    def __init__(self, inner: socket.socket) -> None:
        self.greeting = b""  # the first GREETING_OCTETS that came
        self._inner = inner
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
            pubacks, self._in, self._rest = split(self._rest + octets, PACKET_LIMIT)
            self._pubacks += pubacks
            if not self._in:
                raise BlockingIOError
        octets, self._in = self._in[:count], self._in[count:]
        return octets

    def take_pubacks(self) -> list[Puback]:
        """What the broker answered since the last call."""
        pubacks, self._pubacks = self._pubacks, []
        return pubacks

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


class Dialling:
    """Getting through to a host in a thread of its own, which `give_up` ends early."""

    def __init__(self) -> None:
        self.given_up = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def connected(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """TCP to the first of the host's addresses that answers; each has its share of the time.

        The name is looked up now. With the whole time for each address, one that swallows everything
        (IPv6 behind a router that has none) would be the only one that is ever tried. Raises OSError.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        deadline_s = time.monotonic() + timeout_s
        failure = OSError(f"{host} has no address")
        for number, (family, kind, protocol, _, address) in enumerate(found):
            sock = self._made(family, kind, protocol)
            sock.settimeout(max(0.001, deadline_s - time.monotonic()) / (len(found) - number))
            try:
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                with self._lock:
                    self._socket = None  # it is another's to end now
                return sock
        raise failure

    def give_up(self) -> None:
        """Nobody waits for it any more: an address that does not answer fails now."""
        with self._lock:
            self.given_up = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # it is closed
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _made(self, family: int, kind: int, protocol: int) -> socket.socket:
        with self._lock:
            if self.given_up:
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            self._socket = socket.socket(family, kind, protocol)
            return self._socket


class BufferedClient(Client):
    """paho's client on a BufferedSocket."""

    buffered: BufferedSocket | None = None
    dialling: Dialling

    def _create_socket_connection(self) -> socket.socket:
        return self.dialling.connected(self._host, self._port, self.connect_timeout)

    def _create_socket(self) -> BufferedSocket:  # type: ignore[override]
        self.buffered = BufferedSocket(super()._create_socket())  # type: ignore[arg-type]
        return self.buffered
