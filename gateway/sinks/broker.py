"""Where and as whom to connect, and what the broker allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

RECEIVE_MAXIMUM = 65_535  # section 3.2.2.3.3: what holds when the broker names none
PACKET_MAXIMUM = 268_435_460


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
    will: Will | None = None
    user: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the broker's CONNACK allows."""

    receive_maximum: int = RECEIVE_MAXIMUM
    packet_limit: int = PACKET_MAXIMUM
    retain: bool = True
