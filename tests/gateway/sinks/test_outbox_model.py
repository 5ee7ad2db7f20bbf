"""The outbox against chance: acks in any order, refusals, lost connections, restarts, lost time.

Nothing may be lost, and a node's records stay in order on each lane. What the model knows is a set of
ids that were confirmed, and what was published since the connection opened.
"""

from random import Random

import pytest

from gateway.sinks import lane_rows, outbox
from gateway.sinks.cursor import Cursor
from gateway.sinks.outbox import Outbox
from gateway.sinks.patience import Patience
from gateway.sinks.way import Way
from tests.gateway.sinks.records import OTHER, UID, Bench, block
from tests.gateway.virtual_host import S

STEPS = 400
WINDOW = 8


class World:
    """A store with a sink's outbox, and everything that happened to it."""

    def __init__(self, directory, random):
        self.directory = directory
        self.random = random
        self.bench = Bench(directory)
        self.seqs = {UID: 0, OTHER: 0}
        self.appended = 0
        self.confirmed = set()
        self.repeats_allowed = set()  # confirmed, and the sink has been started anew since
        self.ways = set()
        self.begin()

    def begin(self):
        """Start the sink."""
        bench = self.bench
        bench.store.register_sink("mqtt")
        patience = Patience(bench.timeline, bench.clock, send_unsynchronised=False, provisional_after_s=300)
        self.outbox = Outbox("mqtt", bench.store, bench.timeline, patience, bench.clock, backfill_after_s=60)
        self.connect()

    def connect(self):
        """A new connection."""
        self.flying = []
        self.resting = set()
        self.refused = set()
        self.latest = {}  # by lane and node, the highest id published on this connection
        self.outbox.begin()

    async def append(self):
        for _ in range(self.random.choice((1, 3, 40))):
            uid = self.random.choice((UID, OTHER))
            self.bench.append(block(self.seqs[uid]), uid=uid)
            self.seqs[uid] += 1
            self.appended += 1
        await self.bench.committed()

    async def send(self):
        for _ in range(self.random.randint(1, WINDOW)):
            another = self.random.random() < 0.2
            lane = self.outbox.live if self.random.random() < 0.6 else self.outbox.older
            due = lane(frozenset(self.resting), another=another) if len(self.flying) < WINDOW else None
            if due is not None:
                self.published(due)

    def published(self, due):
        id_, uid = due.stored.id, due.stored.uid
        assert id_ not in {each.stored.id for each in self.flying}, "it is on its way already"
        assert id_ not in self.confirmed or id_ in self.repeats_allowed, "it was delivered"
        if id_ not in self.refused:
            assert id_ > self.latest.get((due.way, uid), 0), "out of order on its lane"
            self.latest[due.way, uid] = id_
        self.ways.add(due.way)
        self.flying.append(due)

    async def answer(self):
        for _ in range(self.random.randint(1, WINDOW)):
            if not self.flying:
                return
            due = self.flying.pop(self.random.randrange(len(self.flying)))
            if self.random.random() < 0.15:
                self.refused.add(due.stored.id)
                self.outbox.refused(due.stored)
                if self.random.random() < 0.5:
                    self.resting.add(due.stored.id)
            else:
                self.confirmed.add(due.stored.id)
                self.repeats_allowed.discard(due.stored.id)
                self.outbox.confirmed(due.stored)
        self.outbox.keep()

    async def wait(self):
        self.bench.clock.now_ns += self.random.choice((1, 20, 70)) * S
        self.resting.clear()
        self.outbox.tick()

    async def measure(self):
        self.bench.measure(self.random.choice((UID, OTHER)))
        self.outbox.tick()

    async def lose_connection(self):
        self.outbox.connection_lost()
        self.connect()

    async def restart(self):
        self.outbox.keep()
        clock = self.bench.clock
        await self.bench.store.close()
        self.bench = Bench(self.directory, clock)
        store = self.bench.store
        kept = Cursor(store.cursor("mqtt"), store.ranges("mqtt"))
        durable = {id_ for id_ in range(1, self.appended + 1) if id_ in kept}
        assert durable <= self.confirmed
        self.repeats_allowed = self.confirmed - durable
        self.begin()

    async def drain(self):
        """Let everything have its time and be taken."""
        self.bench.clock.now_ns += 400 * S
        self.resting.clear()
        for _ in range(20):
            self.outbox.tick()
            for lane in (self.outbox.live, self.outbox.older):
                while (due := lane()) is not None:
                    self.published(due)
            for due in self.flying:
                self.outbox.confirmed(due.stored)
                self.confirmed.add(due.stored.id)
            self.flying.clear()
        self.outbox.keep()


@pytest.mark.parametrize("seed", range(8))
async def test_no_record_is_lost_and_order_holds_on_each_lane(seed, tmp_path, monkeypatch):
    monkeypatch.setattr(lane_rows, "READ_ROWS", 7)
    monkeypatch.setattr(lane_rows, "CATCH_UP_ROWS", 10)
    monkeypatch.setattr(outbox, "RANGES_LIMIT", 3)
    random = Random(seed)
    world = World(tmp_path / "state", random)
    often = [world.append, world.send, world.send, world.answer, world.answer]
    rarely = [world.wait, world.measure, world.lose_connection, world.restart]
    try:
        for _ in range(STEPS):
            await random.choice(often if random.random() < 0.9 else rarely)()
        await world.drain()
        assert world.confirmed == set(range(1, world.appended + 1))
        assert world.bench.store.cursor("mqtt") == world.appended
        assert world.bench.store.ranges("mqtt") == []
        assert world.ways == {Way.LIVE, Way.BACKLOG}
    finally:
        await world.bench.store.close()
