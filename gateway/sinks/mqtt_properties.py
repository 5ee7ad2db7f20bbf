"""MQTT 5 properties of a publish, packed once where they repeat.

paho's Properties are checked and packed again for every message, which costs as much as the rest
of a publish. What repeats is packed by paho once; what changes is appended as octets. Sections are
those of the OASIS standard MQTT Version 5.0.
"""

from __future__ import annotations

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

_USER_PROPERTY = 0x26  # section 2.2.2.2
_SEVEN_BITS = 0x7F
_FOURTEEN_BITS = 0x3FFF


def content(content_type: str, *, utf8: bool) -> bytes:
    """Content type and payload format, as octets without their length."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = content_type
    properties.PayloadFormatIndicator = int(utf8)
    return _without_length(properties.pack())  # type: ignore[no-untyped-call]


def user_property(name: bytes, value: bytes) -> bytes:
    """One user property: two texts, each behind its length in two octets (section 1.5.7)."""
    return b"%c%b%b%b%b" % (
        _USER_PROPERTY,
        len(name).to_bytes(2, "big"),
        name,
        len(value).to_bytes(2, "big"),
        value,
    )


def length(number: int) -> bytes:
    """A variable byte integer (section 1.5.5)."""
    if number <= _SEVEN_BITS:
        return b"%c" % number
    if number <= _FOURTEEN_BITS:  # nearly every publish
        return b"%c%c" % (number & _SEVEN_BITS | 0x80, number >> 7)
    octets = bytearray()
    while number > _SEVEN_BITS:
        octets.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def _without_length(packed: bytes) -> bytes:
    at = 0
    while packed[at] & 0x80:
        at += 1
    return packed[at + 1 :]
