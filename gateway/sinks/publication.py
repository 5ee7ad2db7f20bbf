"""What is published of a record: topic, properties and payload."""

from __future__ import annotations

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
_TIMES = {state: user_property(b"time", state.value.encode()) for state in TimeState}
_SEQ_TU = b"&\x00\x03seq\x00%c%b&\x00\x02tu\x00%c%b"  # two user properties in one formatting call


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
    | one that cannot be read | `raw` | its CBOR as it came, property `fault` |
    """

    def __init__(self, gateway: str) -> None:
        self._root = f"fieldgate/{gateway}"
        self._senml = SenmlJson()
        self._prefixes: dict[tuple[bytes, int, int, str], bytes] = {}
        self._topics: dict[tuple[bytes, str], str] = {}

    @property
    def status_topic(self) -> str:
        """The topic of the gateway's own retained state."""
        return f"{self._root}/status"

    def of(self, stored: StoredRecord, reading: Pack | Loss | Unreadable) -> Publication:
        """The publication of a stored record as it was read."""
        if isinstance(reading, Pack):
            return Publication(
                self._topic(reading.uid, reading.group.name),
                self._properties(reading, SENML_JSON),
                self._senml.encode(reading),
            )
        if isinstance(reading, Loss):
            return Publication(
                self._topic(reading.uid, "gap"), self._properties(reading, JSON), loss_json(reading)
            )
        return self.raw(stored, reading.reason)

    def raw(self, stored: StoredRecord, fault: str) -> Publication:
        """The record as the node sent it, with the reason why it is not published as readings."""
        prefix = self._prefix(stored.uid, stored.boot, stored.stream, CBOR)
        named = user_property(b"seq", b"%d" % stored.seq) + user_property(b"fault", fault.encode())
        return Publication(self._topic(stored.uid, "raw"), prefix + named, stored.message)

    def _topic(self, uid: bytes, last: str) -> str:
        topic = self._topics.get((uid, last))
        if topic is None:
            if len(self._topics) >= PREFIXES:
                self._topics.clear()
            topic = self._topics[uid, last] = f"{self._root}/{uid.hex()}/{last}"
        return topic

    def _properties(self, reading: Pack | Loss, content_type: str) -> bytes:
        seq = b"%d" % reading.seq
        us = -(-reading.uncertainty_ns // _NS_PER_US)  # rounded up: it is a bound
        tu = b"%d.%06d" % (us // _US_PER_S, us % _US_PER_S)
        return (
            self._prefix(reading.uid, reading.boot, reading.stream, content_type)
            + _SEQ_TU % (len(seq), seq, len(tu), tu)
            + _TIMES[reading.state]
        )

    def _prefix(self, uid: bytes, boot: int, stream: int, content_type: str) -> bytes:
        prefix = self._prefixes.get((uid, boot, stream, content_type))
        if prefix is None:
            if len(self._prefixes) >= PREFIXES:
                self._prefixes.clear()
            prefix = content(content_type, utf8=content_type != CBOR)
            prefix += user_property(b"node", uid.hex().encode())
            prefix += user_property(b"boot", b"%d" % boot) + user_property(b"stream", b"%d" % stream)
            self._prefixes[uid, boot, stream, content_type] = prefix
        return prefix
