"""One connection to a broker on the event loop. Used once: connecting again is the sink's business."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gateway.sinks import mqtt_answers, mqtt_packets
from gateway.sinks.mqtt_answers import Ack, Connack, MqttError, PacketReader
from gateway.sinks.mqtt_packets import Will

CONNECT_TIMEOUT_S = 15.0  # a cluster whose leader has just died takes more than 5 s to answer
SECOND_ADDRESS_S = 0.25  # RFC 8305: when to try the next address beside a silent one
CLOSE_TIMEOUT_S = 1.0  # for a broker that does not read our good bye
WRITE_LIMIT = 1 << 20  # octets that wait for a broker that does not read

_FIRST_ANSWERS = (mqtt_answers.CONNACK, mqtt_answers.DISCONNECT)


class ConnectionLost(Exception):
    """There is no connection (any more). `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where and as whom to connect. `context` is None without TLS."""

    host: str
    port: int
    client_id: str
    keepalive_s: int
    will: Will
    user: str | None = None
    password: bytes | None = None
    context: ssl.SSLContext | None = None


class MqttConnection(asyncio.Protocol):
    """Speaks MQTT 5. `on_news` is called when there are acks to take, or when it is lost."""

    def __init__(self, broker: Broker, on_news: Callable[[], None]) -> None:
        self.limits = Connack(reason=0)
        self._broker = broker
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader()
        self._acks: list[Ack] = []
        self._transport: asyncio.Transport | None = None
        self._error: Exception | None = None
        self._ended = asyncio.Event()
        self._accepted = asyncio.Event()  # by the broker, or lost
        self._keepalive_s = float(broker.keepalive_s)
        self._heard_s = self._sent_s = self._loop.time()
        self._pinged_s = 0.0
        self._known = False  # to be MQTT

    async def open(self) -> None:
        """Connect and be accepted. Raises ConnectionLost."""
        broker = self._broker
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._loop.create_connection(
                    lambda: self,
                    broker.host,
                    broker.port,
                    ssl=broker.context,
                    ssl_handshake_timeout=CONNECT_TIMEOUT_S if broker.context else None,
                    happy_eyeballs_delay=SECOND_ADDRESS_S,
                )
                await self._accepted.wait()
        except TimeoutError:
            raise ConnectionLost("unreachable", f"no answer for {CONNECT_TIMEOUT_S:.0f} s") from None
        except ssl.SSLError as error:
            raise ConnectionLost("tls_failed", str(error)) from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that is none
            raise ConnectionLost("unreachable", str(error)) from None
        self.check()

    def check(self) -> None:
        """Raise ConnectionLost if it is lost."""
        if self._error is not None:
            raise self._error

    def write(self, packets: bytes) -> None:
        """Send whole packets. Raises ConnectionLost when the broker has not read for long."""
        self.check()
        if self._transport is None or not packets:
            return
        if self._transport.get_write_buffer_size() > WRITE_LIMIT:
            raise ConnectionLost("broker_does_not_read")
        self._sent_s = self._loop.time()
        self._transport.write(packets)

    def take_acks(self) -> list[Ack]:
        """PUBACKs since the last call."""
        acks, self._acks = self._acks, []
        return acks

    def tick(self) -> None:
        """Call often: pings, and notices a broker that is silent. Raises ConnectionLost."""
        now_s = self._loop.time()
        if now_s - self._heard_s > self._keepalive_s:
            raise ConnectionLost("silent", f"nothing heard for {self._keepalive_s:.0f} s")
        # Half-way, so that the answer has as long as the question waited; not twice in a row.
        waited_s = now_s - min(self._heard_s, self._sent_s)
        if waited_s > self._keepalive_s / 2 and now_s - self._pinged_s > self._keepalive_s / 4:
            self._pinged_s = now_s
            self.write(mqtt_packets.PINGREQ)

    async def close(self) -> None:
        """Say good bye, the broker publishes the will, and be gone soon."""
        if self._transport is None:
            return
        if self._error is None:
            self._transport.write(mqtt_packets.disconnect(mqtt_packets.DISCONNECT_WITH_WILL))
        self._transport.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: introduce ourselves. TCP_NODELAY is asyncio's default."""
        self._transport = cast("asyncio.Transport", transport)
        broker = self._broker
        user = None if broker.user is None else broker.user.encode()
        self._heard_s = self._loop.time()
        self.write(
            mqtt_packets.connect(
                broker.client_id.encode(), broker.keepalive_s, broker.will, user, broker.password
            )
        )

    def data_received(self, data: bytes) -> None:
        """asyncio: take the packets apart."""
        self._heard_s = self._loop.time()
        try:
            self._check_first(data)
            for first, body in self._reader.feed(data):
                self._on_packet(first, body)
        except MqttError as error:
            self._fail(ConnectionLost("protocol_error", str(error)))
        except ConnectionLost as error:
            self._fail(error)
        self._on_news()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if exc is None or isinstance(exc, OSError):
            self._fail(ConnectionLost("connection_lost", str(exc or "closed by the broker")))
        else:
            self._fail(exc)  # a mistake of ours in a callback: whoever waits shall see it
        self._ended.set()

    def _check_first(self, data: bytes) -> None:
        """Something else than a broker may never send what makes a whole packet."""
        if not self._known and data[0] not in _FIRST_ANSWERS:
            raise MqttError("not_mqtt", data[:16].hex())
        self._known = True

    def _on_packet(self, first: int, body: bytes) -> None:
        if first == mqtt_answers.PUBACK:
            self._acks.append(mqtt_answers.parse_puback(body))
        elif first == mqtt_answers.CONNACK and not self._accepted.is_set():
            self._on_connack(mqtt_answers.parse_connack(body))
        elif first == mqtt_answers.DISCONNECT:
            reason = mqtt_answers.reason_name(mqtt_answers.parse_disconnect(body))
            raise ConnectionLost("ended_by_broker", reason)
        elif first != mqtt_answers.PINGRESP:
            raise MqttError("unexpected_packet", f"{first:02x}")

    def _on_connack(self, connack: Connack) -> None:
        if connack.reason != mqtt_answers.SUCCESS:
            reason = mqtt_answers.reason_name(connack.reason)
            raise ConnectionLost("rejected", f"{reason} {connack.text}".strip())
        if connack.maximum_qos < 1:
            raise ConnectionLost("rejected", "the broker takes QoS 0 only")
        self.limits = connack
        if connack.keepalive_s:
            self._keepalive_s = float(connack.keepalive_s)
        self._accepted.set()

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self._accepted.set()
        if self._transport is not None:
            self._transport.abort()
        self._on_news()
