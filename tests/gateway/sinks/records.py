"""Records as a node sends them, and what a sink needs to read them."""

import asyncio

from gateway.counters import Conditions, Counters
from gateway.node_clock import Exchange
from gateway.store import Arrival, Store
from gateway.timeline import Timeline
from tests.gateway.virtual_host import MS, S, VirtualClock
from wire import cbor, up
from wire.block import BlockBuilder

UID = bytes.fromhex("24becf804ff1")
OTHER = bytes.fromhex("24becf804ff2")
BOOT = 37 << 16 | 0x1267
AIR = {
    "channels": [
        {"name": "air_temperature", "unit": "Cel", "exp": -2},
        {"name": "relative_humidity", "unit": "%RH", "exp": -2},
        {"name": "air_pressure", "unit": "Pa", "exp": 0},
    ],
    "groups": [{"name": "air", "channels": [0, 1, 2], "period_ms": 1000}],
    "node": {"name": "bridge-north"},
}
AIR_BODY = cbor.encode(AIR)
AIR_HASH = up.descriptor_hash(AIR_BODY)


def block(seq, *, scans=2, t_first=12_000_000, group=0, boot=BOOT):
    """The octets of a BLOCK of the group "air"."""
    builder = BlockBuilder(3, scans)
    for scan in range(scans):
        builder.add(t_first + 1_000_000 * scan, (2541 + seq % 50 + scan, 4512, 101325 - scan))
    return builder.encode(cbor.Encoder(1024), boot, 1, seq, group)


def gap(seq, next_seq):
    """The octets of a GAP."""
    return up.Gap(BOOT, 1, seq, next_seq, "queue_full", 12_000_000, 500_000).encode(cbor.Encoder(1024))


class Library:
    """Encoded descriptors, and how often they were asked for."""

    def __init__(self):
        self.bodies = {AIR_HASH: AIR_BODY}
        self.asked = 0

    def descriptor(self, hash8):
        self.asked += 1
        return self.bodies.get(hash8)


class Bench:
    """A store on disk, a host clock that the test sets, and a timeline, as the agent has them."""

    def __init__(self, directory, clock=None):
        self.clock = clock or VirtualClock()
        self.store = Store.open(directory, group_commit_ms=1)
        self.timeline = Timeline(self.store, self.clock)
        self.counters = Counters()
        self.conditions = Conditions(self.counters)
        self._committed = asyncio.Event()
        self._waiting = 0
        self.store.start(self._on_committed, self._on_refused)
        self.store.put_descriptor(AIR_HASH, AIR_BODY)

    def measure(self, uid=UID, boot=BOOT):
        """Eight exchanges with a node that booted with the host."""
        for _ in range(8):
            self.clock.now_ns += S
            ticks = self.clock.now_ns // 1000
            self.timeline.exchange(
                uid,
                boot,
                Exchange(
                    t1_ns=self.clock.now_ns - MS, t2_us=ticks, t3_us=ticks, t4_ns=self.clock.now_ns + MS
                ),
            )

    def append(self, message, *, uid=UID, descriptor=AIR_HASH):
        """Queue a record that arrives now."""
        record = up.decode(message)
        arrival = Arrival(
            uid,
            record.boot,
            record.stream,
            record.seq,
            record.next_seq,
            record.TYPE,
            message,
            descriptor,
            self.timeline.host_boot,
            self.clock.now_ns,
        )
        assert self.store.append(arrival)
        self._waiting += 1
        self._committed.clear()

    async def fill(self, count, *, first=0, uid=UID):
        """Blocks with these seqs, on disk when it returns."""
        for seq in range(first, first + count):
            self.append(block(seq), uid=uid)
        await self.committed()

    async def committed(self):
        """All that was appended is on disk."""
        await self._committed.wait()

    def _on_committed(self, arrivals):
        self._waiting -= len(arrivals)
        if not self._waiting:
            self._committed.set()

    def _on_refused(self, arrivals, error):
        raise error
