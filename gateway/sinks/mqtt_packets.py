"""The two packets of the hot way, as octets: PUBLISH out, PUBACK in.

paho makes a message with a lock of its own for the one and properties and a reason code for the
other, which together cost more than all else that is done for a record. Sections are those of the
OASIS standard MQTT Version 5.0.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.sinks.mqtt_properties import length

PACKET_IDS = 65_535  # section 2.2.1: two octets, never 0

_PUBLISH_QOS_1 = 0x32
_RETAIN = 0x01
_PUBLISH = 0x30
_TYPE = 0xF0
_QOS = 0x06
_PUBACK = 0x40
_ID_OCTETS = 2
_MORE = 0x80  # in an octet of a length: another one follows
_LENGTH_OCTETS = 4
_NO_LENGTH = -1


class TooLong(ConnectionError):
    """The broker sent a longer packet than it was allowed."""


class Unasked(ConnectionError):
    """The broker sent a message at QoS 1 or 2, to which nobody has subscribed."""


class Puback(NamedTuple):
    """A broker's answer to a PUBLISH. A tuple: one is made for each record."""

    packet_id: int
    reason: int


class Sorted(NamedTuple):
    """What came: PUBACKs, other packets, the packet that is not whole yet.

    `skip`: so many octets are to come of a message that is too long, and are for nobody. `skipped`:
    how many such messages there were, that one too.
    """

    pubacks: list[Puback]
    others: bytes
    rest: bytes
    skip: int = 0
    skipped: int = 0


class PacketIds:
    """Numbers the publishes of one connection; an id is used again only after its PUBACK."""

    def __init__(self) -> None:
        self._latest = 0
        self._taken: set[int] = set()

    def take(self) -> int:
        """The next free one. There is one while fewer than PACKET_IDS are taken."""
        packet_id = self._latest % PACKET_IDS + 1
        while packet_id in self._taken:
            packet_id = packet_id % PACKET_IDS + 1
        self._latest = packet_id
        self._taken.add(packet_id)
        return packet_id

    def give_back(self, packet_id: int) -> None:
        """It was confirmed."""
        self._taken.discard(packet_id)


def publish(packet_id: int, topic: str, properties: bytes | None, payload: bytes, *, retain: bool) -> bytes:
    """A PUBLISH at QoS 1 (section 3.3); `properties` packed, without their length.

    None makes one of MQTT 3.1.1, which has no properties and no length of them.
    """
    name = topic.encode()
    size = b""
    if properties is None:
        properties = b""
    else:
        size = length(len(properties))
    return b"%c%b%c%c%b%c%c%b%b%b" % (
        _PUBLISH_QOS_1 | _RETAIN if retain else _PUBLISH_QOS_1,
        length(4 + len(name) + len(size) + len(properties) + len(payload)),
        len(name) >> 8,
        len(name) & 0xFF,
        name,
        packet_id >> 8,
        packet_id & 0xFF,
        size,
        properties,
        payload,
    )


def split(octets: bytes, limit: int) -> Sorted:
    """Sort what came: its PUBACKs (section 3.4), its other packets, the packet that is not whole yet.

    `octets` begin with a packet. What is no MQTT from some point on counts as one of the others: it
    is for the client to judge. A message of more than `limit` octets is left out; for another packet
    of that size TooLong is raised. Raises Unasked for a message at another QoS than 0.
    """
    pubacks: list[Puback] = []
    others = b""
    at, end, skipped = 0, len(octets), 0
    while end - at > 1:
        body, size = at + 2, octets[at + 1]
        if size & _MORE:
            body, size = _long_length(octets, at + 1)
            if size == _NO_LENGTH:
                return Sorted(pubacks, others + octets[at:], b"", 0, skipped)
        after = body + size
        if size > limit:
            if octets[at] & (_TYPE | _QOS) != _PUBLISH:
                raise TooLong(f"a packet of {size} octets, limit {limit}")
            skipped += 1
            if after > end:
                return Sorted(pubacks, others, b"", after - end, skipped)
            at = after
            continue
        if not body or after > end:
            break
        if octets[at] == _PUBACK and size >= _ID_OCTETS:
            reason = octets[body + 2] if size > _ID_OCTETS else 0  # section 3.4.2.1: none is success
            pubacks.append(Puback(octets[body] << 8 | octets[body + 1], reason))
        elif octets[at] & _TYPE == _PUBLISH and octets[at] & _QOS:
            raise Unasked("a message at another QoS than 0")
        else:
            others += octets[at:after]
        at = after
    return Sorted(pubacks, others, octets[at:], 0, skipped)


def _long_length(octets: bytes, at: int) -> tuple[int, int]:
    """Where the packet's body begins and its size (section 1.5.5); (0, 0) if that is to come."""
    size = shift = 0
    for octet in octets[at : at + _LENGTH_OCTETS]:
        at += 1
        size |= (octet & ~_MORE) << shift
        shift += 7
        if not octet & _MORE:
            return at, size
    return 0, _NO_LENGTH if shift == 7 * _LENGTH_OCTETS else 0
