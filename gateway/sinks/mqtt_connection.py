"""One connection to a broker: paho-mqtt's client on the event loop. Used once.

paho opens, keeps and ends the connection. Records go past it: it would keep each one until it is
confirmed, which the sink's window and the store do already. A clean start repeats nothing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.client import DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.sinks import mqtt_packets
from gateway.sinks.buffered_socket import PACKET_LIMIT, BufferedClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import Client, ConnectFlags

    from gateway.sinks.mqtt_packets import Puback

CONNECT_TIMEOUT_S = 15.0  # a cluster whose leader has just died takes more than 5 s to answer
RECEIVE_MAXIMUM = 65_535  # section 3.2.2.3.3: what holds when the broker names none
PACKET_MAXIMUM = 268_435_460
NO_SUBSCRIBER = 0x10  # section 2.4: nobody has subscribed, so the broker kept nothing
REFUSALS = 0x80  # reason codes from here on

log = logging.getLogger(__name__)


class ConnectionLost(Exception):
    """There is no connection (any more). `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes, retained, when the connection ends without a good bye."""

    topic: str
    content_type: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where and as whom to connect. `context` is None without TLS."""

    host: str
    port: int
    client_id: str
    keepalive_s: int
    will: Will
    user: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the broker's CONNACK allows."""

    receive_maximum: int = RECEIVE_MAXIMUM
    packet_limit: int = PACKET_MAXIMUM
    retain: bool = True


def word(reason: ReasonCode) -> str:
    """A reason code's name as a stable word: `quota_exceeded`."""
    return str(reason).lower().replace(" ", "_")


def puback_word(reason: int) -> str:
    """The word for a PUBACK's reason code; the number of one that is none."""
    try:
        return word(ReasonCode(PacketTypes.PUBACK, identifier=reason))
    except KeyError:
        return f"{reason:#04x}"


class MqttConnection:
    """Speaks MQTT 5. `on_news` is called when there are acks to take, or when it is lost."""

    def __init__(self, broker: Broker, on_news: Callable[[], None]) -> None:
        self.limits = Limits()
        self._broker = broker
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._ids = mqtt_packets.PacketIds()
        self._error: ConnectionLost | None = None
        self._accepted = asyncio.Event()  # by the broker, or lost
        self._fd = -1
        self._writing = False
        self._client = self._make_client()

    async def open(self) -> None:
        """Connect and be accepted. Raises ConnectionLost."""
        broker = self._broker
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connect()
                self._fd = self._client.socket().fileno()  # type: ignore[union-attr]
                self._loop.add_reader(self._fd, self._on_readable)
                self.flush()
                await self._accepted.wait()
        except TimeoutError:
            raise ConnectionLost("unreachable", f"no answer for {CONNECT_TIMEOUT_S:.0f} s") from None
        except ssl.SSLError as error:
            raise ConnectionLost("tls_failed", str(error)) from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that is none
            reason = getattr(error, "strerror", None) or str(error)
            raise ConnectionLost("unreachable", f"{broker.host}: {reason}") from None
        self.check()

    def check(self) -> None:
        """Raise ConnectionLost if it is lost."""
        if self._error is not None:
            raise self._error

    def publish(self, topic: str, properties: bytes, payload: bytes, *, retain: bool = False) -> int:
        """Publish at QoS 1; `properties` packed. Gives the packet id. Raises ConnectionLost.

        Only once it is open.
        """
        self.check()
        packet_id = self._ids.take()
        octets = mqtt_packets.publish(packet_id, topic, properties, payload, retain=retain)
        self._client.buffered.send(octets)  # type: ignore[union-attr]
        return packet_id

    def flush(self) -> None:
        """Send what `publish` kept; call after the last one of a turn. What does not go now goes later."""
        buffered = self._client.buffered
        if self._error is not None or buffered is None:
            return
        try:
            buffered.flush()
        except OSError as error:
            self._fail(ConnectionLost("connection_lost", str(error)))
            return
        if bool(buffered.unsent) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._fd, self.flush)
            else:
                self._loop.remove_writer(self._fd)

    def take_acks(self) -> list[Puback]:
        """PUBACKs since the last call."""
        buffered = self._client.buffered
        pubacks = [] if buffered is None else buffered.take_pubacks()
        for puback in pubacks:
            self._ids.give_back(puback.packet_id)
        return pubacks

    def tick(self) -> None:
        """Call often: pings, and notices a broker that is silent. Raises ConnectionLost."""
        if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._fail(ConnectionLost("silent", "no answer to a ping"))
        self.flush()
        self.check()

    async def close(self) -> None:
        """Say good bye, the broker publishes the will, and be gone."""
        self._stop_watching()
        if self._error is None and self._fd >= 0:
            self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _make_client(self) -> BufferedClient:
        broker = self._broker
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.username_pw_set(broker.user, broker.password)
        if broker.context is not None:
            client.tls_set_context(broker.context)
        will = broker.will
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.ContentType = will.content_type
        properties.PayloadFormatIndicator = 1
        client.will_set(will.topic, will.payload, 1, retain=True, properties=properties)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        return client

    async def _connect(self) -> None:
        """Connect: paho looks up names, connects and shakes hands, and blocks: in a thread.

        A thread of our own, not the loop's pool: a broker that never answers must not keep the
        gateway from ending.
        """
        broker = self._broker
        done: asyncio.Future[None] = self._loop.create_future()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = PACKET_LIMIT

        def finish(error: Exception | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def connect() -> None:
            outcome: Exception | None = None
            try:
                self._client.connect(
                    broker.host, broker.port, broker.keepalive_s, clean_start=True, properties=properties
                )
            except Exception as error:  # noqa: BLE001 - handed to who waits
                # Without its frames: in one of them paho leaves the socket of a failed handshake.
                outcome = error.with_traceback(None)
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(finish, outcome)

        threading.Thread(target=connect, name=f"connect {broker.host}", daemon=True).start()
        await done

    def _on_readable(self) -> None:
        buffered = self._client.buffered
        while self._error is None:
            code = self._client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._fail(ConnectionLost("connection_lost", code.name.lower()))
            elif buffered is None or not buffered.pending():
                break
        self.flush()
        self._on_news()

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            text = getattr(properties, "ReasonString", "")
            self._fail(ConnectionLost("rejected", f"{word(reason)} {text}".strip()))
            return
        if getattr(properties, "MaximumQoS", 1) < 1:
            self._fail(ConnectionLost("rejected", "the broker takes QoS 0 only"))
            return
        self.limits = Limits(
            receive_maximum=getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM),
            packet_limit=getattr(properties, "MaximumPacketSize", PACKET_MAXIMUM),
            retain=bool(getattr(properties, "RetainAvailable", 1)),
        )
        self._accepted.set()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        by_broker = flags.is_disconnect_packet_from_server
        self._fail(ConnectionLost("ended_by_broker" if by_broker else "connection_lost", word(reason)))

    def _fail(self, error: ConnectionLost) -> None:
        if self._error is None:
            self._error = error
        self._stop_watching()
        self._accepted.set()
        self._on_news()

    def _stop_watching(self) -> None:
        """By number: paho may have closed the socket already."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._writing = False
