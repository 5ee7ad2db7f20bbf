"""The store against a model that a page of Python can hold, over any order of operations."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, OTHER, UID, Bench, arrival

NODES = st.sampled_from([UID, OTHER])
STREAMS = st.sampled_from([0, 1])
SINKS = st.sampled_from(["mqtt", "second"])


class StoreModel(RuleBasedStateMachine):
    """What is `queued` may be on disk or not; everything else must be as the model says."""

    @initialize()
    def begin(self):
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.next_seqs = {}
        self.records = []  # (id, uid, stream, seq) of all that were ever committed
        self.queued = []
        self.cursors = {}
        self.forgotten = 0
        self.open()

    def open(self):
        async def made():
            bench = Bench(self.directory, group_commit_ms=250)
            await bench.store.flush()
            return bench

        self.bench = self.runner.run(made())

    def settle(self):
        for uid, stream, seq in self.queued:
            self.records.append((len(self.records) + 1, uid, stream, seq))
        self.queued = []

    @rule(uid=NODES, stream=STREAMS, count=st.integers(1, 50), base=st.integers(0, 5))
    def append(self, uid, stream, count, base):
        first = self.next_seqs.setdefault((uid, stream), base)
        for seq in range(first, first + count):
            assert self.bench.store.append(arrival(seq, uid=uid, stream=stream))
            self.queued.append((uid, stream, seq))
        self.next_seqs[uid, stream] = first + count

    @rule()
    def commit(self):
        self.runner.run(self.bench.store.flush())
        self.settle()

    @rule(uid=NODES, stream=STREAMS, off=st.sampled_from([-1, 1, 1000]))
    def append_out_of_sequence(self, uid, stream, off):
        if (uid, stream) in self.next_seqs:
            self.commit()
            wrong = self.next_seqs[uid, stream] + off
            assert self.bench.store.append(arrival(wrong, uid=uid, stream=stream))
            self.commit()
            assert self.bench.refusals.pop()[1].reason == "sequence"

    @rule(sink=SINKS)
    def register(self, sink):
        self.bench.store.register_sink(sink)
        self.cursors.setdefault(sink, 0)

    @rule(sink=SINKS, rows=st.integers(1, 100))
    def deliver(self, sink, rows):
        if sink in self.cursors:
            for stored in self.bench.store.read_after(self.cursors[sink], rows)[-1:]:
                self.bench.store.move_cursor(sink, stored.id)
                self.cursors[sink] = stored.id

    @rule()
    def forget(self):
        self.commit()
        self.bench.store.forget_delivered()
        self.commit()
        if self.cursors and self.records:
            upto = min(*self.cursors.values(), len(self.records) - 1)
            if upto - self.forgotten >= FORGET_LEAST:
                self.forgotten = upto

    @rule()
    def reopen(self):
        self.runner.run(self.bench.store.close())
        self.settle()
        self.open()

    @invariant()
    def holds_what_the_model_holds(self):
        store = self.bench.store
        kept = self.records[self.forgotten :]
        found = [(row.id, row.uid, row.stream, row.seq) for row in store.read_after(0, 100_000)]
        assert found[: len(kept)] == kept
        for sink, cursor in self.cursors.items():
            assert store.cursor(sink) == cursor
        if self.queued:
            return  # the window may end at any moment
        assert len(found) == len(kept) == store.stored
        for sink, cursor in self.cursors.items():
            assert store.waiting_for(sink) == sum(record[0] > cursor for record in kept)
        expected = {(uid, BOOT, stream): seq + 1 for _id, uid, stream, seq in self.records}
        next_seqs = {(uid, *key): seq for uid in (UID, OTHER) for key, seq in store.next_seqs(uid).items()}
        assert next_seqs == expected

    def teardown(self):
        self.runner.run(self.bench.store.close())
        self.runner.close()
        shutil.rmtree(self.directory)


StoreModel.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestStore = StoreModel.TestCase
