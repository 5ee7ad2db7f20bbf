"""The queue on its own, then between the two real ends of the link."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.queue import BULK, EVENTS, GAP_OCTETS, READINGS, RECORD_OVERHEAD, QueueFull, RamQueue
from firmware.record import times_of
from wire import cbor, fields, up
from wire.gateway_session import GatewaySession
from wire.intake import Intake
from wire.node_session import NodeSession

BOOT = 7 << 16 | 0xBEEF
SPAN = 900


def block(stream, seq, values=(1, 2, 3), boot=BOOT):
    return up.Block(boot, stream, seq, 0, seq * 1000, SPAN, list(values), {}).encode(cbor.Encoder(1024))


SIZE = len(block(READINGS, 1)) + RECORD_OVERHEAD


def fill(queue, stream, count):
    for _ in range(count):
        seq = queue.next_seq(stream)
        queue.append(stream, seq, block(stream, seq))


def gap(queue, stream, seq):
    octets, after = queue.get(BOOT, stream, seq)
    record = up.decode(octets)
    assert isinstance(record, up.Gap)
    assert (record.boot, record.stream, record.next_seq, record.reason) == (BOOT, stream, after, "queue_full")
    return record


def test_readings_are_named_before_anything_was_appended():
    queue = RamQueue(BOOT, 10000)
    assert queue.held() == [[BOOT, 1, 0, 0]]
    assert queue.get(BOOT, 1, 0) is None


def test_records_come_back_as_they_went_in():
    queue = RamQueue(BOOT, 10000)
    fill(queue, READINGS, 3)
    assert queue.held() == [[BOOT, 1, 0, 3]]
    assert [queue.get(BOOT, 1, seq) for seq in range(4)] == [
        (block(1, 0), 1),
        (block(1, 1), 2),
        (block(1, 2), 3),
        None,
    ]


def test_streams_stand_in_the_order_of_urgency():
    queue = RamQueue(BOOT, 10000)
    for stream in (BULK, EVENTS):
        fill(queue, stream, 1)
    assert queue.held() == [[BOOT, 0, 0, 1], [BOOT, 1, 0, 0], [BOOT, 2, 0, 1]]


def test_a_stream_stays_named_when_all_of_it_was_freed():
    queue = RamQueue(BOOT, 10000)
    fill(queue, BULK, 2)
    assert queue.free(BOOT, BULK, 2) == 2
    assert queue.held() == [[BOOT, 1, 0, 0], [BOOT, 2, 2, 2]]
    assert queue.octets == 0


def test_free_gives_the_number_of_records_and_never_more_than_are_held():
    queue = RamQueue(BOOT, 10000)
    fill(queue, READINGS, 5)
    assert queue.free(BOOT, 1, 2) == 2
    assert queue.free(BOOT, 1, 2) == 0
    assert queue.free(BOOT, 1, 1) == 0
    assert queue.free(BOOT, 1, 99) == 3
    assert queue.held() == [[BOOT, 1, 5, 5]]
    assert queue.next_seq(READINGS) == 5


def test_other_boots_and_unknown_streams_are_not_here():
    queue = RamQueue(BOOT, 10000)
    fill(queue, READINGS, 1)
    assert queue.free(BOOT - 1, 1, 1) == 0
    assert queue.free(BOOT, 2, 1) == 0
    assert queue.get(BOOT - 1, 1, 0) is None
    assert queue.get(BOOT, 0, 0) is None


def test_a_seq_out_of_order_is_refused():
    queue = RamQueue(BOOT, 10000)
    with pytest.raises(ValueError, match="seq 1 is not the next of stream 1"):
        queue.append(READINGS, 1, block(1, 1))


def test_the_oldest_readings_make_room_and_one_gap_names_them():
    queue = RamQueue(BOOT, 3 * SIZE)
    fill(queue, READINGS, 10)
    assert queue.dropped == 7
    assert queue.octets <= 3 * SIZE
    assert queue.held() == [[BOOT, 1, 0, 10]]
    record = gap(queue, READINGS, 0)
    assert (record.seq, record.next_seq) == (0, 7)
    assert (record.t_first, record.span) == (0, 6000 + SPAN)
    assert queue.get(BOOT, 1, 7) == (block(1, 7), 8)


def test_bulk_goes_before_readings_and_events_stay():
    queue = RamQueue(BOOT, 6 * SIZE)
    fill(queue, BULK, 2)
    fill(queue, EVENTS, 2)
    fill(queue, READINGS, 3)
    assert gap(queue, BULK, 0).next_seq == 1
    fill(queue, READINGS, 2)
    assert gap(queue, BULK, 0).next_seq == 2
    assert gap(queue, READINGS, 0).next_seq == 1
    assert [queue.get(BOOT, EVENTS, seq) for seq in (0, 1)] == [(block(0, 0), 1), (block(0, 1), 2)]


def test_events_displace_readings_and_are_refused_only_when_alone():
    queue = RamQueue(BOOT, 3 * SIZE)
    fill(queue, READINGS, 3)
    fill(queue, EVENTS, 3)
    assert gap(queue, READINGS, 0).next_seq == 3
    with pytest.raises(QueueFull):
        fill(queue, EVENTS, 1)
    assert queue.next_seq(EVENTS) == 3
    assert queue.octets <= 3 * SIZE


def test_a_record_larger_than_the_queue_becomes_a_gap_itself():
    queue = RamQueue(BOOT, SIZE)
    queue.append(READINGS, 0, block(1, 0, range(100)))
    assert gap(queue, READINGS, 0).next_seq == 1
    assert queue.octets == 0


def test_a_gap_is_given_from_the_seq_that_is_asked_for():
    queue = RamQueue(BOOT, 2 * SIZE)
    fill(queue, READINGS, 6)
    assert gap(queue, READINGS, 3).seq == 3


def test_freeing_part_of_a_gap_trims_it():
    queue = RamQueue(BOOT, 2 * SIZE)
    fill(queue, READINGS, 6)
    assert queue.free(BOOT, 1, 3) == 3
    assert queue.held() == [[BOOT, 1, 3, 6]]
    assert gap(queue, READINGS, 3).next_seq == 4
    assert queue.get(BOOT, 1, 2) is None


def test_a_gap_that_was_freed_leaves_no_times_behind():
    queue = RamQueue(BOOT, 2 * SIZE)
    fill(queue, READINGS, 6)
    queue.free(BOOT, 1, 4)
    fill(queue, READINGS, 2)
    record = gap(queue, READINGS, 4)
    assert (record.next_seq, record.t_first, record.span) == (6, 4000, 1000 + SPAN)


def test_the_longest_gap_fits_its_buffer():
    worst = up.Gap(
        fields.BOOT_LIMIT, 2, fields.SEQ_LIMIT, fields.SEQ_LIMIT + 1, "queue_full", 2**56 - 1, 2**56 - 1
    )
    assert len(worst.encode(cbor.Encoder(1024))) <= GAP_OCTETS


@given(
    st.integers(0, fields.TICKS_LIMIT), st.integers(0, fields.TICKS_LIMIT), st.integers(0, fields.SEQ_LIMIT)
)
def test_the_times_of_a_block_are_read_without_decoding_it(t_first, span, seq):
    record = up.Block(BOOT, 1, seq, 255, t_first, span, [None, 5], {0: 3})
    assert times_of(record.encode(cbor.Encoder(1024))) == (t_first, span)


class Story:
    """A node with this queue and a gateway with a store, on a line that a drawn list of steps rules."""

    WINDOW = 4 * SIZE

    def __init__(self, limit):
        self.queue = RamQueue(BOOT, limit)
        hello = up.Hello(
            b"\x24\x0a\xc4\x12\x34\x56", BOOT, 0, "t", b"12345678", "soft", [], 1024, b"nonce678"
        )
        self.node = NodeSession(hello, {"channels": []}, self.queue, lambda _limit: 0)
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

    def commit_fails(self):
        self.taken = []
        self.intake.refuse()

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

    def settle(self):
        """A line without losses until nothing is left to send."""
        for _ in range(600):
            self.now_ms += 100
            self.node_sends(lost=False)
            self.gateway_reads()
            self.gateway_commits()
            self.gateway_sends(lost=False)
            self.node_reads()
            if all(first == after for _, _, first, after in self.queue.held()):
                return
        raise AssertionError("the queue does not drain")


def steps():
    return st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.sampled_from([0, 1, 1, 1, 2])),
            st.tuples(st.sampled_from(["node_sends", "gateway_sends"]), st.booleans()),
            st.tuples(st.sampled_from(["gateway_reads", "gateway_commits", "node_reads"])),
            st.tuples(st.sampled_from(["commit_fails", "gateway_restarts"])),
            st.tuples(st.just("wait"), st.sampled_from([10, 2100, 7000])),
        ),
        max_size=80,
    )


@settings(max_examples=300, deadline=None)
@given(steps(), st.integers(2, 8), st.integers(0, 12))
def test_every_seq_ends_in_the_store_once_as_itself_or_in_a_gap(steps, limit, appended_before):
    story = Story(limit * SIZE)
    for _ in range(appended_before):
        story.append(READINGS)
    story.node_sends(lost=False)
    for name, *arguments in steps:
        if name == "wait":
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
