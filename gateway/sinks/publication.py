"""What is published of a record: topic, properties and payload.

The identity stands in the properties and in the payload: MQTT 3.1.1 has no properties, and a bridge or
a subscriber that speaks it loses them. In SenML it stands in the first record, under labels that no
registry has: whoever does not know them has to ignore them (RFC 8428 section 4.4).
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from gateway.descriptors import Unreadable
from gateway.node_clock import TimeState
from gateway.readings import Loss, Pack, StoredRecord
from gateway.sinks.mqtt_properties import content, user_property
from gateway.sinks.senml import JSON, SENML_JSON, SenmlJson, loss_json

CBOR = "application/cbor"
PREFIXES = 1024  # kept, one for each (node, boot, stream)

_HEAD_OCTETS = 13  # first octet, two lengths of up to 4, the topic's of 2, packet id
_NS_PER_US = 1000
_US_PER_S = 1_000_000
_SEQ_TU = b"&\x00\x03seq\x00%c%b&\x00\x02tu\x00%c%b"  # two user properties in one formatting call


class _Named(NamedTuple):
    """What is said of a record's time, as properties and as members of a JSON object."""

    properties: bytes
    identity: bytes


def _named(state: TimeState, *, hist: bool, correction: bool, witness: bool) -> _Named:
    time, old = state.value.encode(), b"%d" % hist
    properties = user_property(b"time", time) + user_property(b"hist", old)
    identity = b'"time":"%b","hist":%b,' % (time, old)
    if correction:
        properties += user_property(b"correction", b"1")
        identity += b'"correction":1,'
    if witness:
        properties += user_property(b"source", b"witness")
        identity += b'"source":"witness",'
    return _Named(properties, identity)


_NAMED = {
    (state, hist, correction, witness): _named(state, hist=hist, correction=correction, witness=witness)
    for state in TimeState
    for hist in (False, True)
    for correction in (False, True)
    for witness in (False, True)
}


class _Prefix(NamedTuple):
    """What repeats in every publication of one stream."""

    properties: bytes
    identity: bytes  # members of a JSON object, each with its comma


class Publication(NamedTuple):
    """One MQTT publish: `properties` packed, without their length."""

    topic: str
    properties: bytes
    payload: bytes

    @property
    def octets(self) -> int:
        """Of the packet, at most."""
        return len(self.topic) + len(self.properties) + len(self.payload) + _HEAD_OCTETS


class Publications:
    """Makes publications for one gateway; every record has exactly one topic and identity.

    | record | topic `fieldgate/<gateway>/<uid>/...` | payload |
    |---|---|---|
    | BLOCK | the group's name | SenML JSON |
    | GAP | `gap` | JSON object |
    | one that cannot be read | `raw` | its CBOR as it came, property `fault`; without properties, JSON |

    `hist` marks what is older than the present: its topic ends in `/backfill`. `correction` marks what
    was published with a worse time.
    """

    def __init__(self, gateway: str) -> None:
        self.with_properties = True  # False: the connection is one of MQTT 3.1.1
        self._root = f"fieldgate/{gateway}"
        self._senml = SenmlJson()
        self._prefixes: dict[tuple[bytes, int, int, str], _Prefix] = {}
        self._topics: dict[tuple[bytes, str, bool], str] = {}

    @property
    def status_topic(self) -> str:
        """The topic of the gateway's own retained state."""
        return f"{self._root}/status"

    def of(
        self,
        stored: StoredRecord,
        reading: Pack | Loss | Unreadable,
        *,
        hist: bool = False,
        correction: bool = False,
    ) -> Publication:
        """The publication of a stored record as it was read."""
        if isinstance(reading, Unreadable):
            return self.raw(stored, reading.reason, hist=hist)
        named = _NAMED[reading.state, hist, correction, reading.witness]
        if isinstance(reading, Pack):
            properties, identity = self._identity(reading, SENML_JSON, named)
            # Behind "[{", where the first record begins.
            payload = b"[{" + identity + self._senml.encode(reading)[2:]
            return Publication(self._topic(reading.uid, reading.group.name, hist), properties, payload)
        properties, identity = self._identity(reading, JSON, named)
        payload = b"{" + identity + loss_json(reading)[1:]
        return Publication(self._topic(reading.uid, "gap", hist), properties, payload)

    def raw(self, stored: StoredRecord, fault: str, *, hist: bool = False) -> Publication:
        """The record as the node sent it, with the reason why it is not published as readings."""
        content_type = CBOR if self.with_properties else JSON
        prefix = self._prefix(stored.uid, stored.boot, stored.stream, content_type)
        seq, worded, is_hist = b"%d" % stored.seq, fault.encode(), b"%d" % hist
        properties = user_property(b"seq", seq) + user_property(b"fault", worded)
        payload = stored.message
        if not self.with_properties:
            members = (seq, worded, is_hist, base64.b64encode(stored.message))
            payload = b"{" + prefix.identity + b'"seq":%b,"fault":"%b","hist":%b,"message":"%b"}' % members
        return Publication(
            self._topic(stored.uid, "raw", hist),
            prefix.properties + properties + user_property(b"hist", is_hist),
            payload,
        )

    def _topic(self, uid: bytes, last: str, hist: bool) -> str:  # noqa: FBT001 - one call a record
        topic = self._topics.get((uid, last, hist))
        if topic is None:
            if len(self._topics) >= PREFIXES:
                self._topics.clear()
            tail = f"{last}/backfill" if hist else last
            topic = self._topics[uid, last, hist] = f"{self._root}/{uid.hex()}/{tail}"
        return topic

    def _identity(self, reading: Pack | Loss, content_type: str, named: _Named) -> tuple[bytes, bytes]:
        """As properties, and as members of a JSON object."""
        seq = b"%d" % reading.seq
        us = -(-reading.uncertainty_ns // _NS_PER_US)  # rounded up: it is a bound
        tu = b"%d.%06d" % (us // _US_PER_S, us % _US_PER_S)
        prefix = self._prefix(reading.uid, reading.boot, reading.stream, content_type)
        return (
            prefix.properties + _SEQ_TU % (len(seq), seq, len(tu), tu) + named.properties,
            b'%b"seq":%b,"tu":%b,%b' % (prefix.identity, seq, tu, named.identity),
        )

    def _prefix(self, uid: bytes, boot: int, stream: int, content_type: str) -> _Prefix:
        prefix = self._prefixes.get((uid, boot, stream, content_type))
        if prefix is None:
            if len(self._prefixes) >= PREFIXES:
                self._prefixes.clear()
            node = uid.hex().encode()
            properties = content(content_type, utf8=content_type != CBOR) + user_property(b"node", node)
            properties += user_property(b"boot", b"%d" % boot) + user_property(b"stream", b"%d" % stream)
            prefix = _Prefix(properties, b'"node":"%b","boot":%d,"stream":%d,' % (node, boot, stream))
            self._prefixes[uid, boot, stream, content_type] = prefix
        return prefix
