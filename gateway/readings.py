"""A stored record and its descriptor -> readings with names, units and UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gateway import fast_decode
from gateway.node_clock import TimeState
from wire import cbor, faults, up
from wire.block import scans_of
from wire.errors import WireError

if TYPE_CHECKING:
    from gateway.timeline import UtcInstant

NS_PER_US = 1000
EXP_LIMIT = 18  # 10^18 is more than any sensor's range in any unit
LATENCY_LIMIT_US = 60_000_000  # no filter settles for a minute
UNIT_LIMIT = 32  # the longest unit in SenML's registry has 5 characters
DESCRIPTORS = 256  # parsed ones kept; a gateway's nodes share few
UNNAMED_FAULT = "missing"  # a missing value whose reason the node did not give

_CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}")  # RFC 8428 section 4.5.1
_GROUP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a level of an MQTT topic; some brokers change others
_RESERVED_GROUPS = ("gap", "raw")  # levels of the topic that mean something else
_UNIT = re.compile(rf"[!-~]{{0,{UNIT_LIMIT}}}")
_WORSE = (TimeState.RESOLVED, TimeState.PROVISIONAL, TimeState.INTERVAL, TimeState.UNKNOWN)


class Unreadable(Exception):
    """A record that is on disk and cannot be turned into readings. `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StoredRecord(Protocol):
    """What is wanted of a stored record (gateway.store.Stored)."""

    @property
    def id(self) -> int: ...
    @property
    def uid(self) -> bytes: ...
    @property
    def boot(self) -> int: ...
    @property
    def stream(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def message(self) -> bytes: ...
    @property
    def descriptor(self) -> bytes: ...
    @property
    def host_boot(self) -> int: ...
    @property
    def arrived_ns(self) -> int: ...


class DescriptorStore(Protocol):
    """Where descriptors lie, encoded."""

    def descriptor(self, hash8: bytes, /) -> bytes | None:
        """The descriptor's encoding; None when it is not there."""
        ...


class UtcSource(Protocol):
    """Who knows UTC: gateway.timeline.Timeline."""

    def utc(self, uid: bytes, boot: int, ticks: int, *, arrived_ns: int, host_boot: int) -> UtcInstant:
        """UTC of a node's ticks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One measured quantity: true value = raw * 10^exp in `unit` (SenML's).

    A sample is `latency_us` older than the time stamp of its scan.
    """

    name: str
    unit: str
    exp: int
    latency_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels that are sampled together."""

    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a node's numbers mean. `name` is empty when the node has none."""

    hash8: bytes
    name: str
    groups: tuple[Group, ...]


class Pack(NamedTuple):
    """One BLOCK in UTC. A tuple: one is made for each block published.

    `values` are raw and absolute, scan after scan, None where one is missing; `faults` has the
    fault code by index. `span_ns` is the time from the first scan to the last.
    """

    uid: bytes
    descriptor: Descriptor
    number: int  # of the group in the descriptor
    group: Group
    boot: int
    stream: int
    seq: int
    next_seq: int
    utc_ns: int
    span_ns: int
    uncertainty_ns: int
    state: TimeState
    values: list[int | None]
    faults: dict[int, int]

    @property
    def scans(self) -> int:
        """How many scans there are."""
        return len(self.values) // len(self.group.channels)

    def offsets_us(self) -> list[int]:
        """Microseconds from the first scan to each: the pace is even (docs/link-protocol.md)."""
        last = self.scans - 1
        span_us = self.span_ns // NS_PER_US
        return [span_us * scan // last for scan in range(last + 1)] if last else [0]

    def fault(self, index: int) -> str:
        """Why the value at `index` is missing."""
        code = self.faults.get(index)
        return UNNAMED_FAULT if code is None else faults.name_of(code)


class Loss(NamedTuple):
    """One GAP in UTC: records seq up to, not including, next_seq are lost, from `utc_ns` for `span_ns`."""

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    reason: str
    utc_ns: int
    span_ns: int
    uncertainty_ns: int
    state: TimeState


class Descriptors:
    """Parsed descriptors by hash, the latest DESCRIPTORS of them kept."""

    def __init__(self, store: DescriptorStore) -> None:
        self._store = store
        self._parsed: dict[bytes, Descriptor] = {}

    def find(self, hash8: bytes) -> Descriptor:
        """The descriptor of this hash. Raises Unreadable."""
        parsed = self._parsed.get(hash8)
        if parsed is None:
            body = self._store.descriptor(hash8)
            if body is None:
                raise Unreadable("descriptor_missing", hash8.hex())
            parsed = parse_descriptor(hash8, body)
            while len(self._parsed) >= DESCRIPTORS:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[hash8] = parsed
        return parsed


def pack_of(stored: StoredRecord, descriptors: Descriptors, timeline: UtcSource) -> Pack | Loss:
    """The readings in a stored BLOCK, or the loss that a stored GAP tells. Raises Unreadable."""
    try:
        message = fast_decode.decode(stored.message)
    except WireError as error:
        raise Unreadable(error.reason, error.detail) from None
    if isinstance(message, up.Block):
        return _pack(stored, message, descriptors.find(stored.descriptor), timeline)
    if isinstance(message, up.Gap):
        utc_ns, span_ns, uncertainty_ns, state = _when(stored, message, timeline)
        return Loss(
            stored.uid,
            message.boot,
            message.stream,
            message.seq,
            message.next_seq,
            message.reason,
            utc_ns,
            span_ns,
            uncertainty_ns,
            state,
        )
    raise Unreadable("not_a_record", type(message).__name__)


def _pack(stored: StoredRecord, block: up.Block, descriptor: Descriptor, timeline: UtcSource) -> Pack:
    if block.group >= len(descriptor.groups):
        raise Unreadable("group_unknown", f"group {block.group} of {len(descriptor.groups)}")
    group = descriptor.groups[block.group]
    values = absolute(block, len(group.channels))
    return Pack(
        stored.uid,
        descriptor,
        block.group,
        group,
        block.boot,
        block.stream,
        block.seq,
        block.seq + 1,
        *_when(stored, block, timeline),
        values,
        block.exceptions,
    )


def absolute(block: up.Block, channels: int) -> list[int | None]:
    """The block's values with the differences undone, scan after scan. Raises Unreadable."""
    values = block.values
    if not values or len(values) % channels:
        raise Unreadable("block_shape", f"{len(values)} values for {channels} channels")
    if None in values:
        return [value for scan in scans_of(block, channels) for value in scan]
    summed: list[int | None] = [None] * len(values)
    for channel in range(channels):
        summed[channel::channels] = accumulate(values[channel::channels])
    return summed


def _when(
    stored: StoredRecord, message: up.Block | up.Gap, timeline: UtcSource
) -> tuple[int, int, int, TimeState]:
    """UTC of the beginning, length, uncertainty and state; the worse of both ends."""
    uid, boot, arrived_ns, host_boot = stored.uid, stored.boot, stored.arrived_ns, stored.host_boot
    first_ns, uncertainty_ns, state = timeline.utc(
        uid, boot, message.t_first, arrived_ns=arrived_ns, host_boot=host_boot
    )
    if not message.span:
        return first_ns, 0, uncertainty_ns, state
    last_ns, last_uncertainty_ns, last_state = timeline.utc(
        uid, boot, message.t_first + message.span, arrived_ns=arrived_ns, host_boot=host_boot
    )
    if last_state is not state:
        state = max(state, last_state, key=_WORSE.index)
    return first_ns, max(0, last_ns - first_ns), max(uncertainty_ns, last_uncertainty_ns), state


def parse_descriptor(hash8: bytes, body: bytes) -> Descriptor:
    """The descriptor in its CBOR encoding (docs/link-protocol.md). Raises Unreadable."""
    try:
        document: Any = cbor.decode(body)
    except WireError as error:
        raise Unreadable("descriptor_encoding", str(error)) from None
    channels = [_channel(each) for each in _list(document, "channels")]
    groups = tuple(_group(each, channels) for each in _list(document, "groups"))
    node = document.get("node", {})
    name = node.get("name", "") if isinstance(node, dict) else ""
    return Descriptor(hash8=hash8, name=name if isinstance(name, str) else "", groups=groups)


def _list(document: Any, key: str) -> list[Any]:  # noqa: ANN401 - whatever the CBOR held
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise Unreadable("descriptor_field", f"{key} is not an array")
    return found


def _channel(found: Any) -> Channel:  # noqa: ANN401 - whatever the CBOR held
    if not isinstance(found, dict):
        raise Unreadable("descriptor_field", "a channel is not a map")
    name, unit, exp = found.get("name"), found.get("unit"), found.get("exp")
    if not isinstance(name, str) or _CHANNEL_NAME.fullmatch(name) is None:
        raise Unreadable("descriptor_field", "a channel's name is not SenML's")
    if not isinstance(unit, str) or _UNIT.fullmatch(unit) is None:
        raise Unreadable("descriptor_field", f"unit of {name}")
    if type(exp) is not int or abs(exp) > EXP_LIMIT:
        raise Unreadable("descriptor_field", f"exp of {name} is not within {EXP_LIMIT}")
    latency_us = found.get("latency_us", 0)
    if type(latency_us) is not int or abs(latency_us) > LATENCY_LIMIT_US:
        raise Unreadable("descriptor_field", f"latency_us of {name}")
    return Channel(name=name, unit=unit, exp=exp, latency_us=latency_us)


def _group(found: Any, channels: list[Channel]) -> Group:  # noqa: ANN401 - whatever the CBOR held
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str) or _GROUP_NAME.fullmatch(name) is None or name in _RESERVED_GROUPS:
        raise Unreadable("descriptor_field", "a group's name is not a level of a topic")
    indexes = _list(found, "channels")
    if not indexes or any(type(index) is not int or not 0 <= index < len(channels) for index in indexes):
        raise Unreadable("descriptor_field", f"channels of group {name}")
    return Group(name=name, channels=tuple(channels[index] for index in indexes))
