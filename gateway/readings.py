"""A stored record and its descriptor -> readings with names, units and UTC."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple, Protocol

from gateway import fast_decode
from gateway.descriptors import Descriptor, Descriptors, Group, Unreadable
from gateway.node_clock import TimeState
from gateway.store import losses
from gateway.timeline import UtcInstant
from wire import faults, up
from wire.block import PACE_US
from wire.errors import WireError
from wire.scans import scans_of

NS_PER_US = 1000
UNNAMED_FAULT = "missing"  # a missing value whose reason the node did not give

_WORSE = (TimeState.RESOLVED, TimeState.PROVISIONAL, TimeState.INTERVAL, TimeState.UNKNOWN)


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
    def next_seq(self) -> int: ...
    @property
    def kind(self) -> int: ...
    @property
    def message(self) -> bytes: ...
    @property
    def descriptor(self) -> bytes: ...
    @property
    def host_boot(self) -> int: ...
    @property
    def arrived_ns(self) -> int: ...


class UtcSource(Protocol):
    """Who knows UTC: gateway.timeline.Timeline."""

    def utc(self, uid: bytes, boot: int, ticks: int, *, arrived_ns: int, host_boot: int) -> UtcInstant:
        """UTC of a node's ticks."""
        ...


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
    witness: bool = False  # another boot of the host knew the time, and the node carried it

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
    """One GAP in UTC: records seq up to, not including, next_seq are lost, from `utc_ns` for `span_ns`.

    Not `timed`: the gateway does not know when they were sampled, and never will.
    """

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
    witness: bool = False
    timed: bool = True


def pack_of(stored: StoredRecord, descriptors: Descriptors, timeline: UtcSource) -> Pack | Loss:
    """The readings in a stored BLOCK, or the loss that a stored GAP tells. Raises Unreadable."""
    try:
        message = fast_decode.decode(stored.message)
    except WireError as error:
        raise Unreadable(error.reason, error.detail) from None
    if isinstance(message, up.Block):
        return _pack(stored, message, descriptors.find(stored.descriptor), timeline)
    if isinstance(message, up.Gap):
        utc_ns, span_ns, uncertainty_ns, state, witness = _when(stored, message, timeline)
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
            witness,
            (message.t_first, message.span) != losses.NO_TIME,
        )
    raise Unreadable("not_a_record", type(message).__name__)


def _pack(stored: StoredRecord, block: up.Block, descriptor: Descriptor, timeline: UtcSource) -> Pack:
    if block.group >= len(descriptor.groups):
        raise Unreadable("group_unknown", f"group {block.group} of {len(descriptor.groups)}")
    group = descriptor.groups[block.group]
    values = absolute(block, len(group.channels))
    utc_ns, span_ns, uncertainty_ns, state, witness = _when(stored, block, timeline)
    if len(values) > 2 * len(group.channels):
        uncertainty_ns += PACE_US * NS_PER_US  # of the scans between the first and the last
    return Pack(
        stored.uid,
        descriptor,
        block.group,
        group,
        block.boot,
        block.stream,
        block.seq,
        block.seq + 1,
        utc_ns,
        span_ns,
        uncertainty_ns,
        state,
        values,
        block.exceptions,
        witness,
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
) -> tuple[int, int, int, TimeState, bool]:
    """UTC of the beginning, length, uncertainty, state and witness; the worse of both ends."""
    uid, boot, arrived_ns, host_boot = stored.uid, stored.boot, stored.arrived_ns, stored.host_boot
    first_ns, uncertainty_ns, state, witness = timeline.utc(
        uid, boot, message.t_first, arrived_ns=arrived_ns, host_boot=host_boot
    )
    if not message.span:
        return first_ns, 0, uncertainty_ns, state, witness
    last_ns, last_uncertainty_ns, last_state, last_witness = timeline.utc(
        uid, boot, message.t_first + message.span, arrived_ns=arrived_ns, host_boot=host_boot
    )
    if last_state is not state:
        state = max(state, last_state, key=_WORSE.index)
    uncertainty_ns = max(uncertainty_ns, last_uncertainty_ns)
    return first_ns, max(0, last_ns - first_ns), uncertainty_ns, state, witness or last_witness
