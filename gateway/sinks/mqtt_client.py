"""paho's client as a connection uses it: on a BufferedSocket, and through to one address after another."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.sinks.buffered_socket import PACKET_LIMIT, BufferedSocket
from gateway.sinks.protocol import Version

if TYPE_CHECKING:
    from gateway.sinks.broker import Broker


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
    packet_limit = PACKET_LIMIT
    dialling: Dialling

    def _create_socket_connection(self) -> socket.socket:
        return self.dialling.connected(self._host, self._port, self.connect_timeout)

    def _create_socket(self) -> BufferedSocket:  # type: ignore[override]
        self.buffered = BufferedSocket(super()._create_socket(), self.packet_limit)  # type: ignore[arg-type]
        return self.buffered


def client_for(broker: Broker, version: Version) -> BufferedClient:
    """A client that is not connected yet, with everything that CONNECT says but properties."""
    client = BufferedClient(
        CallbackAPIVersion.VERSION2,
        client_id=broker.client_id,
        protocol=MQTTProtocolVersion(version),
        reconnect_on_failure=False,
    )
    client.username_pw_set(broker.user, broker.password)
    if broker.context is not None:
        client.tls_set_context(broker.context)
    will = broker.will
    if will is None:
        return client
    properties = None
    if version is Version.MQTT_5:
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.ContentType = will.content_type
        properties.PayloadFormatIndicator = 1
    client.will_set(will.topic, will.payload, 1, retain=True, properties=properties)
    return client
