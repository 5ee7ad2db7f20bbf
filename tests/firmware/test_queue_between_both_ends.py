"""The node's queue between the two real ends of the link, with a store that commits and crashes."""

from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.queue import EVENTS, READINGS, QueueFull, RamQueue
from firmware.spill import SEGMENT_OCTETS
from tests.firmware.offline import DESCRIPTOR, ilistdir
from tests.firmware.records import BOOT, SIZE, SPAN, block
from wire import cbor, up
from wire.gateway_session import GatewaySession
from wire.intake import Intake
from wire.node_session import NodeSession

__all__ = ["ilistdir"]  # a fixture
DESCRIBE = up.Describe({"channels": []}).encode(cbor.Encoder(64))


class Story:
    """A node with this queue and a gateway with a store, on a line that a drawn list of steps rules."""

    WINDOW = 4 * SIZE

    def __init__(self, limit, place=None):
        self.room = True
        self.queue = RamQueue(BOOT, limit, lambda: self.room, place)
        hello = up.Hello(
            b"\x24\x0a\xc4\x12\x34\x56", BOOT, 0, "t", b"12345678", "soft", [], 1024, b"nonce678"
        )
        self.node = NodeSession(hello, lambda: DESCRIBE, self.queue, lambda _limit: 0)
        self.gateway = GatewaySession("gw", self.WINDOW)
        self.intake = Intake({})
        self.to_gateway = []
        self.to_node = []
        self.taken = []
        self.committed = {}
        self.now_ms = 0
        self.appended = {}

    def append(self, stream):
        seq = self.queue.next_seq(stream)
        self.queue.append(stream, seq, block(stream, seq))
        self.appended[stream] = seq + 1

    def node_sends(self, lost):
        while (octets := self.node.poll(self.now_ms, self.now_ms * 1000)) is not None:
            if not lost:
                self.to_gateway.append(octets)

    def gateway_reads(self):
        for octets in self.to_gateway:
            news = self.gateway.receive(up.decode(octets), self.now_ms)
            if isinstance(news, up.Hello):
                assert self.gateway.meet(self.intake, True, b"nonce678", self.now_ms) == []
            elif isinstance(news, (up.Block, up.Gap)):
                self.taken.append(news)
        self.to_gateway = []

    def gateway_commits(self):
        for record in self.taken:
            for seq in range(record.seq, record.next_seq):
                key = (record.stream, seq)
                assert key not in self.committed, "stored twice"
                self.committed[key] = record
            self.intake.commit(record.boot, record.stream, record.next_seq)
        self.taken = []

    def look(self):
        self.queue.look()

    def commit_fails(self):
        for record in self.taken:
            self.intake.refuse(record.boot, record.stream)
        self.taken = []

    def gateway_restarts(self):
        next_seqs = {}
        for stream, seq in self.committed:
            next_seqs[BOOT, stream] = max(next_seqs.get((BOOT, stream), 0), seq + 1)
        self.taken = []
        self.to_gateway = []
        self.intake = Intake(next_seqs)
        self.gateway = GatewaySession("gw", self.WINDOW)

    def gateway_sends(self, lost):
        while (message := self.gateway.poll(self.now_ms)) is not None:
            if not lost:
                self.to_node.append(message)

    def node_reads(self):
        for message in self.to_node:
            self.node.receive(message, self.now_ms, self.now_ms * 1000)
        self.to_node = []

    def turn(self, lost_up, lost_down, commits):
        """Each end says what it has to say, once."""
        self.now_ms += 50
        self.node_sends(lost_up)
        self.gateway_reads()
        if commits:
            self.gateway_commits()
        self.gateway_sends(lost_down)
        self.node_reads()

    def settle(self):
        """A line without losses until nothing is left to send."""
        for _ in range(1200):
            self.turn(lost_up=False, lost_down=False, commits=True)
            if all(first == after for _, _, first, after in self.queue.held()):
                return
        raise AssertionError("the queue does not drain")


loss = st.sampled_from([False, False, False, True])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from([0, 1, 1, 1, 1, 2])),
        st.tuples(st.just("append"), st.just(1)),
        st.tuples(st.just("turn"), loss, loss, st.booleans()),
        st.tuples(st.just("turn"), loss, loss, st.booleans()),
        st.tuples(st.sampled_from(["node_sends", "gateway_sends"]), loss),
        st.tuples(st.sampled_from(["gateway_reads", "gateway_commits", "node_reads"])),
        st.tuples(st.sampled_from(["commit_fails", "gateway_restarts"])),
        st.tuples(st.just("room"), st.booleans()),
        st.tuples(st.just("look")),
        st.tuples(st.just("wait"), st.sampled_from([10, 10, 2100, 7000])),
    ),
    min_size=30,
    max_size=100,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(2, 8), st.integers(0, 12))
def test_every_seq_ends_in_the_store_once_as_itself_or_in_a_gap(steps, limit, appended_before):
    tell(Story(limit * SIZE), steps, limit, appended_before)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(2, 8), st.integers(0, 12), st.integers(0, 4))
def test_it_does_so_through_flash(steps, limit, appended_before, files):
    with TemporaryDirectory() as directory:
        story = Story(limit * SIZE, (directory + "/queue", files * SEGMENT_OCTETS, DESCRIPTOR))
        tell(story, steps, limit, appended_before)
        if story.queue.flash:
            story.queue.flash.close()


def tell(story, steps, limit, appended_before):
    for _ in range(appended_before):
        story.append(READINGS)
    story.node_sends(lost=False)
    for name, *arguments in steps:
        if name == "room":
            story.room = arguments[0]
        elif name == "wait":
            story.now_ms += arguments[0]
        elif name == "append" and arguments[0] == EVENTS:
            try:
                story.append(EVENTS)
            except QueueFull:
                continue
        else:
            getattr(story, name)(*arguments)
        assert story.queue.octets <= limit * SIZE
    story.settle()
    for stream, count in story.appended.items():
        assert sorted(seq for at, seq in story.committed if at == stream) == list(range(count))
    for (stream, seq), record in story.committed.items():
        if isinstance(record, up.Gap):
            assert stream != EVENTS
            assert record.t_first <= seq * 1000
            assert seq * 1000 + SPAN <= record.t_first + record.span
        else:
            assert record == up.decode(block(stream, seq))
