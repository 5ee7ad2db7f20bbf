"""`socket` as on the ESP32: lwIP's manners and error numbers over the PC's loopback.

While the access point is lost nothing gets through: what is written waits in a send buffer, what the
other end says waits in the PC. When the address is lost, too, the socket is dead, and the other end
hears nothing of it.
"""

import io

import radio
import select
import socket_native as native
import ticks
from lwip import (
    AF_INET,
    AF_INET6,
    EAGAIN,
    EALREADY,
    ECONNABORTED,
    EHOSTUNREACH,
    EINPROGRESS,
    EISCONN,
    ENOTCONN,
    ETIMEDOUT,
    IP_ADD_MEMBERSHIP,
    IPPROTO_IP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    SO_BINDTODEVICE,
    SO_BROADCAST,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
    getaddrinfo,
    number_of,
    sockaddr_of,
)
from time import ticks_add, ticks_diff, ticks_ms

_SEND_BUFFER = 5744  # lwIP's TCP_SND_BUF
_GET_FILENO = 10
_FOR_EVER = None
_graveyard = []  # a dead board's peer hears no FIN: these stay open until the process ends


class socket(io.IOBase):
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, *, taken=None):
        if ticks.virtual:
            raise NotImplementedError("no network in virtual time")
        self._socket = taken or native.socket(native.AF_INET, type)
        self._socket.setblocking(False)
        self._timeout_ms = _FOR_EVER
        self._unsent = b""
        self._generation = radio.generation
        self._dead = False
        self._poll = None
        self._target = None
        radio.sockets.append(self)

    # The radio

    @property
    def is_silent(self):
        """Nothing of it can be heard or said now: it is not ready for anything."""
        return not self._dead and not radio.flows()

    @property
    def is_dead(self):
        return self._dead

    def on_radio(self):
        if self._generation != radio.generation and self._target is not None:
            self._dead = True
            _graveyard.append(self._socket)
        elif self._unsent and radio.flows():
            self._send_rest()

    # Waiting

    def settimeout(self, seconds):
        self._timeout_ms = _FOR_EVER if seconds is None else int(seconds * 1000)

    def setblocking(self, blocking):
        self.settimeout(None if blocking else 0)

    def _wait(self, flags, end):
        # Raises what the ESP32 does when the time is over.
        if self._timeout_ms == 0:
            raise OSError(EAGAIN)
        left = -1 if end is None else ticks_diff(end, ticks_ms())
        if end is not None and left <= 0:
            raise OSError(ETIMEDOUT)
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self, flags)
        self._poll.modify(self, flags)
        self._poll.poll(left)

    def _end(self):
        return None if self._timeout_ms is None else ticks_add(ticks_ms(), self._timeout_ms)

    def _retry(self, flags, call, *arguments):
        end = self._end()
        while True:
            if self._dead:
                raise OSError(ECONNABORTED)
            if radio.flows():
                try:
                    return call(*arguments)
                except OSError as error:
                    if error.errno != EAGAIN:
                        raise OSError(number_of(error))
            self._wait(flags, end)

    # Connecting

    def connect(self, address):
        if not radio.has_address():
            raise OSError(EHOSTUNREACH)
        self._target = sockaddr_of(address)
        self._generation = radio.generation
        end = self._end()
        while True:
            if self._dead:
                raise OSError(ECONNABORTED)
            if radio.flows():
                try:
                    self._socket.connect(self._target)
                    return
                except OSError as error:
                    code = number_of(error)
                    if code == EISCONN:
                        return
                    if code != EINPROGRESS and code != EALREADY:
                        raise OSError(code)
            if self._timeout_ms == 0:
                raise OSError(EINPROGRESS)
            self._wait(select.POLLOUT, end)

    def bind(self, address):
        self._call(self._socket.bind, sockaddr_of(address))

    def listen(self, backlog=2):
        self._call(self._socket.listen, backlog)

    def accept(self):
        taken, address = self._retry(select.POLLIN, self._socket.accept)
        peer = socket(taken=taken)
        peer._target = address
        _, host, port = native.sockaddr(address)[:3]
        return peer, (native.inet_ntop(native.AF_INET, host), port)

    def setsockopt(self, level, option, value):
        pass

    def _call(self, call, *arguments):
        try:
            return call(*arguments)
        except OSError as error:
            raise OSError(number_of(error))

    # Octets

    def recv(self, count, flags=0):
        return self._retry(select.POLLIN, self._socket.recv, count)

    def recvfrom(self, count, flags=0):
        octets, address = self._retry(select.POLLIN, self._socket.recvfrom, count)
        _, host, port = native.sockaddr(address)[:3]
        return octets, (native.inet_ntop(native.AF_INET, host), port)

    def send(self, octets):
        end = self._end()
        while True:
            if self._dead:
                raise OSError(ECONNABORTED)
            if radio.flows():
                if self._send_rest():
                    try:
                        return self._socket.send(octets)
                    except OSError as error:
                        if error.errno != EAGAIN:
                            raise OSError(number_of(error))
            elif self._target is None:
                raise OSError(ENOTCONN)
            else:
                room = _SEND_BUFFER - len(self._unsent)
                if room > 0:
                    self._unsent += bytes(octets[:room])
                    return min(room, len(octets))
            self._wait(select.POLLOUT, end)

    def _send_rest(self):
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except OSError:
                return False  # what is wrong the next call will say
            self._unsent = self._unsent[sent:]
        return True

    def sendall(self, octets):
        view = memoryview(octets)
        while len(view):
            view = view[self.send(view) :]

    def sendto(self, octets, address):
        if not radio.has_address():
            raise OSError(EHOSTUNREACH)
        if not radio.flows():
            return len(octets)
        return self._retry(select.POLLOUT, self._socket.sendto, octets, sockaddr_of(address))

    # As a stream: None where a call would have to wait

    def read(self, count=-1):
        octets = b""
        while count < 0 or len(octets) < count:
            try:
                more = self.recv(min(1024, count - len(octets)) if count >= 0 else 1024)
            except OSError as error:
                if error.errno != EAGAIN:
                    raise
                return octets or None
            if not more:
                break
            octets += more
            if self._timeout_ms == 0 and count < 0:
                break
        return octets

    def readinto(self, buffer, count=-1):
        octets = self.read(len(buffer) if count < 0 else min(count, len(buffer)))
        if octets is None:
            return None
        buffer[: len(octets)] = octets
        return len(octets)

    def readline(self, limit=-1):
        line = b""
        while len(line) != limit and not line.endswith(b"\n"):
            octet = self.read(1)
            if octet is None:
                return line or None
            if not octet:
                break
            line += octet
        return line

    def write(self, buffer, *limits):
        octets = buffer.encode() if isinstance(buffer, str) else buffer
        if limits:
            offset = limits[0] if len(limits) == 2 else 0
            octets = memoryview(octets)[offset : offset + limits[-1]]
        if self._timeout_ms == 0:
            try:
                return self.send(octets)
            except OSError as error:
                if error.errno != EAGAIN:
                    raise
                return None
        self.sendall(octets)
        return len(octets)

    def makefile(self, *arguments, **settings):
        return self

    def fileno(self):
        return self._socket.fileno()

    def ioctl(self, request, argument):
        return self._socket.fileno() if request == _GET_FILENO else -1

    def close(self):
        if self in radio.sockets:
            radio.sockets.remove(self)
            if not self._dead and not radio.flows() and self._target is not None:
                _graveyard.append(self._socket)
            elif not self._dead:
                self._socket.close()
