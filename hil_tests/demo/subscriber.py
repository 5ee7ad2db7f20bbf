"""Somebody who reads what the gateway publishes, as any MQTT client would."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil_tests.demo.publication import HEALTH, Block, NotUnderstood, understood

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from hil_tests.demo.identity import Gap, Identity

KEEPALIVE_S = 15
RETRY_S = (1, 2)  # the first and the longest pause
SESSION_S = 300  # the broker keeps what comes while this client is away
CLEAR_S = 2.0  # for the broker to confirm that the retained status is gone


@dataclass(slots=True, kw_only=True)
class Receipts:
    """All that was received so far."""

    identities: list[Identity]
    gaps: list[Gap]
    latencies_s: list[float]
    latest: dict[tuple[str, str], Block]  # of what is measured, by node and channel
    not_understood: list[str]


class Subscriber:
    """One client on `fieldgate/<gateway>/#` from `start` to `stop`; its thread belongs to paho."""

    def __init__(self, host: str, port: int, gateway: str) -> None:
        self._gateway = gateway
        self._seen: set[Identity] = set()
        self._receipts = Receipts(identities=[], gaps=[], latencies_s=[], latest={}, not_understood=[])
        self._lock = Lock()
        self._subscribed = Event()
        self._address = (host, port)
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            f"fieldgate-demo-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.reconnect_delay_set(*RETRY_S)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    @property
    def subscribed(self) -> bool:
        """Whether the broker sends what comes."""
        return self._subscribed.is_set()

    def start(self) -> None:
        """Connect, again and again if need be, in a thread."""
        self._client.connect_async(
            *self._address, keepalive=KEEPALIVE_S, clean_start=False, properties=_session(SESSION_S)
        )
        self._client.loop_start()

    def wait_subscribed(self, timeout_s: float) -> bool:
        """Wait until the broker sends what comes; False when it does not in time."""
        return self._subscribed.wait(timeout_s)

    def stop(self, *, clear_status: bool = False) -> None:
        """End. `clear_status` takes the gateway's retained status off a broker that goes on."""
        if clear_status and self.subscribed:
            cleared = self._client.publish(f"fieldgate/{self._gateway}/status", b"", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):  # not connected any more: it stays
                cleared.wait_for_publish(CLEAR_S)
        ending = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        ending.SessionExpiryInterval = 0
        self._client.disconnect(properties=ending)
        self._client.loop_stop()

    def receipts(self) -> Receipts:
        """A copy of all that was received."""
        with self._lock:
            found = self._receipts
            return Receipts(
                identities=list(found.identities),
                gaps=list(found.gaps),
                latencies_s=list(found.latencies_s),
                latest=dict(found.latest),
                not_understood=list(found.not_understood),
            )

    def _on_connect(
        self, client: Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if not reason.is_failure:
            client.subscribe(f"fieldgate/{self._gateway}/#", qos=1)

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed.set()

    def _on_disconnect(self, *_: object) -> None:
        self._subscribed.clear()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        received_s = time.time()
        properties: Any = getattr(message.properties, "UserProperty", [])
        try:
            found = understood(message.topic, dict(properties), bytes(message.payload))
        except NotUnderstood as error:
            with self._lock:
                self._receipts.not_understood.append(str(error))
            return
        with self._lock:
            if isinstance(found, Block):
                self._take(found, received_s)
            elif found is not None:
                self._receipts.gaps.append(found)

    def _take(self, block: Block, received_s: float) -> None:
        self._receipts.identities.append(block.identity)
        if block.identity in self._seen:
            return
        self._seen.add(block.identity)
        self._receipts.latencies_s.append(received_s - block.last_utc_s)
        if block.group == HEALTH:
            return  # twelve rows a node, once a minute: no table would hold them beside what is measured
        for channel in {reading.channel for reading in block.readings}:
            self._receipts.latest[block.identity.node, channel] = block


def _session(seconds: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = seconds
    return properties
