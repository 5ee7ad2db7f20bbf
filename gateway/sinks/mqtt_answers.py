"""MQTT 5 packets that a broker sends to a publisher, from octets. No I/O, no clock.

Hostile octets raise MqttError and nothing else. Sections are those of the OASIS standard MQTT
Version 5.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.sinks.mqtt_packets import LENGTH_LIMIT, PACKET_LIMIT

CONNACK = 0x20
PUBACK = 0x40
PINGRESP = 0xD0
DISCONNECT = 0xE0

SUCCESS = 0x00
NO_SUBSCRIBER = 0x10
REFUSALS = 0x80  # reason codes from here on are refusals

UNLIMITED = 65_535  # Receive Maximum when the broker names none, section 3.2.2.3.3

_SERVER_KEEP_ALIVE = 0x13
_REASON_STRING = 0x1F
_RECEIVE_MAXIMUM = 0x21
_MAXIMUM_QOS = 0x24
_RETAIN_AVAILABLE = 0x25
_USER_PROPERTY = 0x26
_MAXIMUM_PACKET_SIZE = 0x27
_TEXTS = {0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F}  # and binary data: length and octets
_WIDTHS = {0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2}
_WIDTHS |= {0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
_REASONS = {  # section 2.4; the words are ours
    0x01: "speaks_mqtt_3_only",  # a CONNACK of MQTT 3.1.1
    NO_SUBSCRIBER: "no_subscriber",
    0x80: "unspecified",
    0x82: "protocol_error",
    0x83: "implementation_specific",
    0x84: "speaks_mqtt_3_only",
    0x85: "client_id_not_valid",
    0x86: "bad_user_or_password",
    0x87: "not_authorised",
    0x88: "server_unavailable",
    0x89: "server_busy",
    0x8A: "banned",
    0x8B: "server_shutting_down",
    0x8D: "keep_alive_timeout",
    0x8E: "client_id_in_use_elsewhere",
    0x90: "topic_not_valid",
    0x93: "receive_maximum_exceeded",
    0x95: "packet_too_large",
    0x97: "quota_exceeded",
    0x98: "administrative_action",
    0x99: "payload_format_not_valid",
    0x9A: "retain_not_supported",
    0x9B: "qos_not_supported",
    0x9F: "connection_rate_exceeded",
}


class MqttError(Exception):
    """The broker sent something that the protocol does not allow. `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Ack(NamedTuple):
    """One PUBACK. A tuple: there is one for each block."""

    packet_id: int
    reason: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connack:
    """The broker's answer to CONNECT, and what it can take."""

    reason: int
    receive_maximum: int = UNLIMITED
    maximum_qos: int = 2
    retain: bool = True
    packet_limit: int = LENGTH_LIMIT
    keepalive_s: int | None = None  # the broker's wish, which counts
    text: str = ""


def reason_name(code: int) -> str:
    """A word for a reason code."""
    return _REASONS.get(code, f"reason_{code:02x}")


class PacketReader:
    """Octets in, whole packets out: (first octet, body)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """All packets that `data` completes. Raises MqttError, after which the reader is of no use."""
        data = self._rest + data
        packets = []
        at = 0
        while (header := _header(data, at)) is not None:
            start, size = header
            if len(data) - start < size:
                break
            packets.append((data[at], data[start : start + size]))
            at = start + size
        self._rest = data[at:]
        return packets


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and its size; None when the header is not whole."""
    size = 0
    for octet, position in enumerate(range(at + 1, at + 5)):
        if position >= len(data):
            return None
        size |= (data[position] & 0x7F) << 7 * octet
        if size > PACKET_LIMIT:
            raise MqttError("packet_too_long", f"{size} octets, limit {PACKET_LIMIT}")
        if data[position] < 0x80:  # noqa: PLR2004 - the last octet of the length
            return position + 1, size
    raise MqttError("malformed_length")


def parse_puback(body: bytes) -> Ack:
    """PUBACK, section 3.4: reason and properties may be left out. Raises MqttError."""
    if len(body) < 2:  # noqa: PLR2004 - the packet id
        raise MqttError("malformed_puback", body.hex())
    return Ack(body[0] << 8 | body[1], body[2] if len(body) > 2 else SUCCESS)  # noqa: PLR2004 - the reason


def parse_connack(body: bytes) -> Connack:
    """CONNACK, section 3.2; one without properties is MQTT 3.1.1's. Raises MqttError."""
    if len(body) < 2:  # noqa: PLR2004 - flags and reason
        raise MqttError("malformed_connack", body.hex())
    found = _properties(body[2:]) if len(body) > 2 else {}  # noqa: PLR2004 - flags and reason
    keepalive = found.get(_SERVER_KEEP_ALIVE)
    receive_maximum, packet_limit = found.get(_RECEIVE_MAXIMUM), found.get(_MAXIMUM_PACKET_SIZE)
    return Connack(
        reason=body[1],
        receive_maximum=_number(receive_maximum) or UNLIMITED,
        maximum_qos=_number(found.get(_MAXIMUM_QOS, b"\x02")),
        retain=found.get(_RETAIN_AVAILABLE) != b"\x00",
        packet_limit=_number(packet_limit) or LENGTH_LIMIT,
        keepalive_s=None if keepalive is None else _number(keepalive),
        text=found.get(_REASON_STRING, b"").decode("utf-8", "backslashreplace"),
    )


def parse_disconnect(body: bytes) -> int:
    """The reason code of a DISCONNECT, section 3.14."""
    return body[0] if body else SUCCESS


def _number(octets: bytes | None) -> int:
    return int.from_bytes(octets or b"", "big")


def _properties(data: bytes) -> dict[int, bytes]:
    """Properties by identifier, each as its octets; user properties and subscription ids left out."""
    header = _header(b"\0" + data, 0)
    if header is None or len(data) < header[0] - 1 + header[1]:
        raise MqttError("malformed_properties", data[:64].hex())
    at, end = header[0] - 1, header[0] - 1 + header[1]
    found: dict[int, bytes] = {}
    while at < end:
        identifier = data[at]
        at += 1
        width = _WIDTHS.get(identifier)
        if identifier == _USER_PROPERTY:
            at += 2 + _number(data[at : at + 2])
            at += 2 + _number(data[at : at + 2])
            continue
        if identifier in _TEXTS:
            width = _number(data[at : at + 2])
            at += 2
        if width is None or at + width > end:
            raise MqttError("malformed_properties", f"identifier {identifier:02x}")
        found[identifier] = data[at : at + width]
        at += width
    if at != end:
        raise MqttError("malformed_properties", "longer than their length")
    return found
