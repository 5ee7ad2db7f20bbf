"""The node at the gateway's broker: a message is a publish, by umqtt.simple.

umqtt has no deadlines and raises what comes (OSError, AssertionError, IndexError, TypeError, its own):
every exception is the loss of the connection, and BoundedSocket sees to it that every wait ends. QoS 0
only: the ACK is end to end, and umqtt's QoS 1 waits for ever.
"""

import asyncio
import socket
import time
from binascii import hexlify

from umqtt.simple import MQTTClient, MQTTException

from firmware import board
from firmware.bounded_socket import BoundedSocket
from firmware.station import Station
from wire.compat import const

_TOPIC = const(b"fieldgate/node/")
_RETAINED = const(b"\x31")  # PUBLISH that the broker kept: an order of long ago, on every connection again
_WHO = const(b"\x81\x0c")  # as if the gateway had asked: HELLO is due on a new connection
_DNS_MS = const(40000)  # lwIP: 7 s for each name server, twice
_CONNECT_MS = const(5000)
_ANSWER_MS = const(5000)
_TICK_MS = const(1000)
_PING_MS = const(10000)  # of silence
_LOST_MS = const(25000)  # of silence, then the connection is lost
_KEEPALIVE_S = const(45)  # after 1.5 times of it the broker gives us up
_PAUSE_FIRST_MS = const(1000)
_PAUSE_MOST_MS = const(60000)
_STEADY_MS = const(60000)  # connected for so long: the next pause is the first again


class WifiClient:
    """Messages in and out. `heart` is told of a wait beside which nothing runs."""

    def __init__(self, wifi: dict, broker: dict, heart) -> None:
        self._broker = broker
        self._station = Station(wifi["ssid"], wifi["key"])
        self._uid = hexlify(board.uid())
        self._up = _TOPIC + self._uid + b"/up"
        self._down = _TOPIC + self._uid + b"/down"
        self._heart = heart
        self._client = None
        self._socket = None
        self._broken = False  # as `write` found
        self._came = b""
        self._since_ms = self._heard_ms = self._pinged_ms = 0
        self._pause_ms = _PAUSE_FIRST_MS
        self._state = ""

    @property
    def ready(self) -> bool:
        """Whether what is sent may arrive."""
        return self._client is not None

    async def read(self) -> bytes:
        """The next message. Connects first, and again whenever the connection is lost."""
        while True:
            try:
                if self._client is None:
                    await self._connect()
                    return _WHO
                if await self._came_one():
                    return self._came
            except Exception as error:  # noqa: BLE001 - umqtt's are of every kind
                await self._lose(error)

    def write(self, message: bytes) -> None:
        """Publish, or let it be lost: the session says it again."""
        if self._client is None or self._broken:
            return
        try:
            if self._socket.flush():
                self._client.publish(self._up, message)
                self._socket.flush()
        except Exception:  # noqa: BLE001 - as in `read`, which closes it
            self._broken = True

    async def _connect(self) -> None:
        await self._station.join()
        broker = self._broker
        # Asked again each time, for the address may change. Nothing else runs while DNS is asked.
        self._let_all_wait(_DNS_MS)
        address = socket.getaddrinfo(broker["host"], broker["port"])[0][-1]
        self._socket = BoundedSocket(socket.socket())
        await self._socket.connect(address, _CONNECT_MS)
        client = MQTTClient(self._uid, "127.0.0.1", 1)  # never asked to connect: that has no deadline
        client.sock = self._socket
        client.set_callback(self._on_message)
        self._greet(client)
        if not await self._socket.readable(_ANSWER_MS):
            raise OSError("no answer of the broker")
        answer = self._socket.read(1) + self._socket.read(3)
        if answer[:2] != b"\x20\x02" or answer[3]:
            raise MQTTException(answer[3])  # 4, 5: user or password
        self._socket.begin()
        client.subscribe(self._down)
        self._client = client
        self._broken = False
        self._since_ms = self._heard_ms = self._pinged_ms = time.ticks_ms()
        self._tell("connected")

    def _let_all_wait(self, most_ms: int) -> None:
        due_ms = self._heart.due_ms
        for task in range(len(due_ms)):
            if due_ms[task] is not None:
                due_ms[task] = time.ticks_add(due_ms[task], most_ms)

    def _greet(self, client) -> None:
        # CONNECT of MQTT 3.1.1, section 3.1. Written here, for umqtt's own opens the socket, too.
        user = self._broker["user"].encode()
        password = self._broker["password"].encode()
        size = 12 + len(self._uid) + (4 + len(user) + len(password) if user else 0)
        head = bytes([0x10, size]) if size < 128 else bytes([0x10, size & 127 | 128, size >> 7])
        flags = 0xC2 if user else 0x02  # a clean session
        client.sock.write(head + b"\x00\x04MQTT\x04" + bytes([flags, 0, _KEEPALIVE_S]))
        client._send_str(self._uid)  # noqa: SLF001
        if user:
            client._send_str(user)  # noqa: SLF001
            client._send_str(password)  # noqa: SLF001
        client.sock.flush()

    async def _came_one(self) -> bool:
        if self._broken:
            raise OSError("cannot send")
        self._came = b""
        if await self._socket.readable(_TICK_MS):
            old = self._socket.held == _RETAINED
            self._client.check_msg()
            self._heard_ms = time.ticks_ms()
            return len(self._came) > 0 and not old
        self._look()
        return False

    def _look(self) -> None:
        now_ms = time.ticks_ms()
        silent_ms = time.ticks_diff(now_ms, self._heard_ms)
        if silent_ms > _LOST_MS:
            raise OSError("the broker is silent")
        if silent_ms > _PING_MS and time.ticks_diff(now_ms, self._pinged_ms) > _PING_MS:
            self._pinged_ms = now_ms
            self._client.ping()
        self._socket.flush()

    def _on_message(self, _topic: bytes, message: bytes) -> None:
        self._came = message  # there is one subscription

    async def _lose(self, error: Exception) -> None:
        """Close, say why, and wait: from nothing up to a limit that doubles, so that many nodes spread."""
        if self._client is not None and time.ticks_diff(time.ticks_ms(), self._since_ms) > _STEADY_MS:
            self._pause_ms = _PAUSE_FIRST_MS
        self._client = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._tell(repr(error))
        pause_ms = self._pause_ms
        self._pause_ms = min(2 * pause_ms, _PAUSE_MOST_MS)
        await asyncio.sleep_ms(board.random_below(pause_ms))

    def _tell(self, state: str) -> None:
        # On the console, once per change: when it is lost there is no other way to tell.
        if state != self._state:
            self._state = state
            print("wifi: " + state)  # noqa: T201
