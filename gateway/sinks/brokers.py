"""From a sink's configuration to an open connection: which broker, in which version, as whom."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Protocol

from gateway.sinks.backoff import Backoff
from gateway.sinks.broker import Broker, Will
from gateway.sinks.buffered_socket import PACKET_LIMIT
from gateway.sinks.connection_lost import (
    ACK_TIMEOUT,
    FILE_UNREADABLE,
    REJECTED,
    TAKEN_OVER,
    TLS_FAILED,
    UNREACHABLE,
    ConnectionLost,
    Unanswered,
    VersionRefused,
)
from gateway.sinks.endpoints import Endpoints
from gateway.sinks.inbox import Inbox
from gateway.sinks.mqtt_connection import MqttConnection
from gateway.sinks.senml import JSON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from gateway.sink_config import BrokerAddress

RECONNECT_FIRST_S = 1.0
RECONNECT_MOST_S = 60.0
# Somebody else has our client id: two that take it from each other must not do it in a tight loop.
TAKEN_OVER_FIRST_S = 15.0
TAKEN_OVER_MOST_S = 300.0
CALM_S = 600.0  # a connection that nobody takes over for so long: the other one is gone
STEADY_S = 2.0  # a connection that delivers and lasts so long has worked
IDLE_STEADY_S = 60.0  # and so has one that had nothing to deliver


class Access(Protocol):
    """What a configuration says of its brokers."""

    @property
    def brokers(self) -> tuple[BrokerAddress, ...]: ...
    @property
    def user(self) -> str | None: ...
    @property
    def password_file(self) -> Path | None: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def client_id(self) -> str: ...
    @property
    def keepalive_s(self) -> int: ...


class Brokers:
    """The brokers of one configuration. One connection at a time: `connect`, then `lost`, and again.

    With a `status_topic` the broker says there when the connection has ended. `packet_limit` is the
    longest packet that is taken.
    """

    def __init__(
        self, config: Access, status_topic: str | None, random: Random, *, packet_limit: int = PACKET_LIMIT
    ) -> None:
        self._config = config
        self._will = (
            Will(topic=status_topic, content_type=JSON, payload=b'{"state":"offline"}')
            if status_topic
            else None
        )
        self._packet_limit = packet_limit
        self._endpoints = Endpoints(config.brokers, Backoff(RECONNECT_FIRST_S, RECONNECT_MOST_S, random))
        self._taken = Backoff(TAKEN_OVER_FIRST_S, TAKEN_OVER_MOST_S, random, least=0.5)
        self._taken_over = False
        self._connection: MqttConnection | None = None
        self._since_s = 0.0
        self._delivered = False

    @property
    def url(self) -> str:
        """The broker that is connected, or that is tried now or next."""
        return self._endpoints.current.address.url

    @property
    def protocol(self) -> str:
        """The version that is spoken now, as people write it; empty without a connection."""
        return "" if self._connection is None else self._connection.version.shown

    async def connect(
        self, on_news: Callable[[], None], new_inbox: Callable[[], Inbox] = Inbox
    ) -> MqttConnection:
        """A connection that the broker has accepted. Raises ConnectionLost; `lost` is to be called then."""
        endpoint = self._endpoints.current
        now_s = asyncio.get_running_loop().time
        while True:
            version = endpoint.protocol.version(now_s())
            connection = MqttConnection(
                self._broker(endpoint.address),
                on_news,
                version,
                packet_limit=self._packet_limit,
                inbox=new_inbox(),
            )
            try:
                await connection.open()
                if endpoint.protocol.accepted():
                    self._connection, self._since_s, self._delivered = connection, now_s(), False
                    self._endpoints.works()
                    return connection
            except VersionRefused:
                if not endpoint.protocol.refused(now_s()):
                    raise
            except Unanswered:
                if not endpoint.protocol.unanswered(now_s()):
                    raise
            except ConnectionLost as lost:
                if lost.reason not in (UNREACHABLE, REJECTED, TLS_FAILED):
                    endpoint.protocol.not_understood()
                raise
            finally:
                if connection is not self._connection:
                    await connection.close()

    def delivered(self) -> None:
        """The broker has confirmed a record on this connection."""
        self._delivered = True

    def lost(self, error: ConnectionLost) -> float:
        """There is no connection (any more). Gives the pause before the next try in seconds."""
        connection, self._connection = self._connection, None
        if connection is None:
            pause_s = self._endpoints.failed(str(error))
        else:
            lasted_s = asyncio.get_running_loop().time() - self._since_s
            proven = lasted_s >= (STEADY_S if self._delivered else IDLE_STEADY_S)
            pause_s = self._endpoints.lost(
                str(error), proven=proven and (self._delivered or error.reason != ACK_TIMEOUT)
            )
        if error.reason != TAKEN_OVER:
            return pause_s
        self._taken_over = True
        return self._taken.next_s()

    def is_taken_over(self) -> bool:
        """Whether another client has this one's id: until a connection has lasted for CALM_S."""
        calm = self._connection is not None and asyncio.get_running_loop().time() - self._since_s >= CALM_S
        if self._taken_over and calm:
            self._taken_over = False
            self._taken.reset()
        return self._taken_over

    def _broker(self, address: BrokerAddress) -> Broker:
        """Reads the files that the configuration names, which may have changed."""
        config = self._config
        path = config.ca_file
        try:
            context = ssl.create_default_context(cafile=path) if address.tls else None
            path = config.password_file
            password = path.read_text("utf-8").splitlines() if path else None
        except (OSError, UnicodeError) as error:
            # Python's sentence about a ca_file does not name it.
            raise ConnectionLost(FILE_UNREADABLE, f"{path}: {getattr(error, 'strerror', error)}") from None
        return Broker(
            host=address.host,
            port=address.port,
            client_id=config.client_id,
            keepalive_s=config.keepalive_s,
            will=self._will,
            user=config.user,
            password=None if password is None else password[0] if password else "",
            context=context,
        )
