"""One connection to a broker: paho-mqtt's client on the event loop. Used once.

paho opens, keeps and ends the connection. Records go past it: it would keep each one until it is
confirmed, which the sink's window and the store do already. A clean start repeats nothing.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Any

from paho.mqtt import MQTTException
from paho.mqtt.client import DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.sinks import mqtt_packets
from gateway.sinks.broker import PACKET_MAXIMUM, RECEIVE_MAXIMUM, Limits
from gateway.sinks.buffered_socket import PACKET_LIMIT
from gateway.sinks.connection_lost import TAKEN_OVER, ConnectionLost, Unanswered, VersionRefused
from gateway.sinks.inbox import Inbox
from gateway.sinks.mqtt_client import Dialling, client_for
from gateway.sinks.protocol import Version
from gateway.sinks.reason_words import word

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import Client, ConnectFlags

    from gateway.sinks.broker import Broker
    from gateway.sinks.mqtt_packets import Puback

CONNECT_TIMEOUT_S = 15.0  # a cluster whose leader has just died takes more than 5 s to answer
NO_SUBSCRIBER = 0x10  # section 2.4: nobody has subscribed, so the broker kept nothing
REFUSALS = 0x80  # reason codes from here on

_UNSUPPORTED_VERSION = 0x84  # section 2.4
_SESSION_TAKEN_OVER = 0x8E
_UNSPECIFIED_ERROR = 0x80  # what paho makes of an end for which nobody has given a reason
_OLD_REFUSAL = b"\x20\x02\x00\x01"  # CONNACK of MQTT 3.1.1, section 3.2.2.3: unacceptable protocol level


class MqttConnection:
    """Speaks MQTT. `on_news` is called when there are acks to take, or when it is lost.

    In 3.1.1 a publish has no properties and a PUBACK no reason: the broker has it, whoever listens.
    """

    def __init__(
        self,
        broker: Broker,
        on_news: Callable[[], None],
        version: Version = Version.MQTT_5,
        *,
        packet_limit: int = PACKET_LIMIT,
        inbox: Inbox | None = None,
    ) -> None:
        self.version = version
        self.limits = Limits()
        self.inbox = inbox or Inbox()
        self._packet_limit = packet_limit
        self._broker = broker
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._ids = mqtt_packets.PacketIds()
        self._error: ConnectionLost | None = None
        self._accepted = asyncio.Event()  # by the broker, or lost
        self._dialling = Dialling()
        self._fd = -1
        self._writing = False
        client = self._client = client_for(broker, version)
        client.dialling = self._dialling
        client.packet_limit = packet_limit
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_message = self.inbox.on_message
        client.on_subscribe = self.inbox.on_subscribe
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect

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
        known = properties if self.version is Version.MQTT_5 else None
        octets = mqtt_packets.publish(packet_id, topic, known, payload, retain=retain)
        self._client.buffered.send(octets)  # type: ignore[union-attr]
        return packet_id

    def tell(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 0: nobody says whether it arrives. Raises ConnectionLost. Only once it is open."""
        self.check()
        self._client.publish(topic, payload)
        self.flush()

    def subscribe(self, topics: list[str]) -> None:
        """Have at QoS 0 what is published on these topics; `inbox` gets it. Only once it is open."""
        if topics:
            self._client.subscribe([(topic, 0) for topic in topics])

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

    def take_skipped(self) -> int:
        """How many messages were too long since the last call."""
        return 0 if self._client.buffered is None else self._client.buffered.take_skipped()

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
        self._dialling.give_up()
        # In 3.1.1 a good bye would take the will back, so there is none.
        if self._error is None and self._fd >= 0 and self.version is Version.MQTT_5:
            self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        self._drop_socket()

    def _drop_socket(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    async def _connect(self) -> None:
        """Connect: paho looks up names, connects and shakes hands, and blocks: in a thread.

        A thread of our own, not the loop's pool: a broker that never answers must not keep the
        gateway from ending.
        """
        broker = self._broker
        done: asyncio.Future[None] = self._loop.create_future()
        new: dict[str, Any] = {}
        if self.version is Version.MQTT_5:
            new = {"clean_start": True, "properties": Properties(PacketTypes.CONNECT)}  # type: ignore[no-untyped-call]
            new["properties"].MaximumPacketSize = self._packet_limit

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
                self._client.connect(broker.host, broker.port, broker.keepalive_s, **new)
            except Exception as error:  # noqa: BLE001 - handed to who waits
                # Without its frames: in one of them paho leaves the socket of a failed handshake.
                outcome = error.with_traceback(None)
            if self._dialling.given_up:  # it took too long: nobody else knows of the socket
                self._drop_socket()
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(finish, outcome)

        threading.Thread(target=connect, name=f"connect {broker.host}", daemon=True).start()
        await done

    def _on_readable(self) -> None:
        buffered = self._client.buffered
        while self._error is None:
            try:
                code = self._client.loop_read()
            except (MQTTException, ValueError, LookupError, TypeError, struct.error) as nonsense:
                # paho trusts a broker to send what the standard says.
                self._fail(ConnectionLost("protocol_error", str(nonsense)))
                break
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._fail(self._unsaid(code.name.lower()))
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
        if reason.value == _UNSUPPORTED_VERSION:
            self._fail(VersionRefused())
            return
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
        if flags.is_disconnect_packet_from_server:
            taken = reason.value == _SESSION_TAKEN_OVER
            self._fail(ConnectionLost(TAKEN_OVER if taken else "ended_by_broker", word(reason)))
        else:
            unsaid = reason.value == _UNSPECIFIED_ERROR
            self._fail(self._unsaid("closed without a reason" if unsaid else word(reason)))

    def _unsaid(self, detail: str) -> ConnectionLost:
        """How a connection ended that the broker has not ended in words."""
        buffered = self._client.buffered
        if self._accepted.is_set() or buffered is None:
            return ConnectionLost("connection_lost", detail)
        if not buffered.greeting:
            return Unanswered()
        return (
            VersionRefused()
            if buffered.greeting == _OLD_REFUSAL
            else ConnectionLost("connection_lost", detail)
        )

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
