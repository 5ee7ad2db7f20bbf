import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.pages import PAGE_OCTETS
from firmware.queue import BULK, EVENTS, READINGS, QueueFull, RamQueue
from firmware.record import times_of
from firmware.spill import GAP_OCTETS
from tests.firmware.records import BOOT, SIZE, SPAN, block
from wire import cbor, fields, up


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


def test_bulk_does_not_displace_readings():
    queue = RamQueue(BOOT, 3 * SIZE)
    fill(queue, READINGS, 3)
    fill(queue, BULK, 2)
    assert gap(queue, BULK, 0).next_seq == 2
    assert queue.get(BOOT, READINGS, 0) == (block(1, 0), 1)


def test_without_memory_for_a_page_the_oldest_make_room_long_before_the_limit():
    room = True
    queue = RamQueue(BOOT, 1000 * SIZE, lambda: room)
    fill(queue, READINGS, 60)
    room = False
    fill(queue, READINGS, 60)
    assert PAGE_OCTETS < queue.octets <= 4 * PAGE_OCTETS
    after = gap(queue, READINGS, 0).next_seq
    assert queue.dropped == after
    assert queue.get(BOOT, READINGS, after) == (block(1, after), after + 1)


def test_without_any_page_a_record_becomes_a_gap_and_an_event_is_refused():
    queue = RamQueue(BOOT, 1000 * SIZE, lambda: False)
    fill(queue, READINGS, 3)
    record = gap(queue, READINGS, 0)
    assert (record.next_seq, record.t_first, record.span) == (3, 0, 2000 + SPAN)
    with pytest.raises(QueueFull):
        fill(queue, EVENTS, 1)
    assert queue.next_seq(EVENTS) == 0


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
