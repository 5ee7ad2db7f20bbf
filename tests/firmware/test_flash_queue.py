"""The part of the queue that is in flash, on a directory of the PC; power cuts: hil_tests/queue_cuts."""

import pytest

from firmware import segment
from firmware.queue import BULK, EVENTS, READINGS, QueueFull, RamQueue
from firmware.shelf import KEPT_MOST
from firmware.spill import SEGMENT_OCTETS
from tests.firmware.offline import (
    DESCRIPTOR,
    FILES,
    PER_SEGMENT,
    RAM_OCTETS,
    contents,
    files,
    fill,
    ilistdir,
    leave_alone,
    new_queue,
    queue,
)
from tests.firmware.records import BOOT, SPAN
from wire import cbor, fields, up

__all__ = ["ilistdir", "queue"]  # fixtures


def test_nothing_is_written_while_the_gateway_acknowledges(queue, tmp_path):
    for _ in range(200):
        fill(queue, READINGS, 1)
        queue.free(BOOT, READINGS, queue.next_seq(READINGS))
        queue.look()
    assert files(tmp_path) == []
    assert queue.flash_octets == 0


def test_offline_a_whole_block_of_records_is_written_at_a_time(queue, tmp_path):
    leave_alone(queue)
    sizes = []
    for _ in range(3 * PER_SEGMENT):
        fill(queue, READINGS, 1)
        assert queue.octets <= SEGMENT_OCTETS
    sizes = [(tmp_path / "queue" / name).stat().st_size for name in files(tmp_path)]
    assert len(sizes) >= 3
    assert all(SEGMENT_OCTETS - 120 < size <= SEGMENT_OCTETS for size in sizes)
    assert all(isinstance(each, bytes) for each in contents(queue, BOOT, READINGS).values())


def test_an_event_is_written_at_once_while_nobody_is_there(queue, tmp_path):
    fill(queue, EVENTS, 1)
    assert files(tmp_path) == []
    leave_alone(queue)
    assert len(files(tmp_path)) == 1
    fill(queue, EVENTS, 1)
    assert len(files(tmp_path)) == 2
    assert len(contents(new_queue(tmp_path, BOOT + 1), BOOT, EVENTS)) == 2


def test_an_earlier_boot_is_delivered_under_its_own_number_after_this_one(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    saved = queue.streams[READINGS].first_seq
    later = new_queue(tmp_path, BOOT + 0x10000)
    fill(later, READINGS, 3)
    assert later.held() == [[later.boot, READINGS, 0, 3], [BOOT, READINGS, 0, saved]]
    assert sorted(contents(later, BOOT, READINGS)) == list(range(saved))
    assert later.free(BOOT, READINGS, saved) == saved
    assert later.held() == [[later.boot, READINGS, 0, 3]]
    assert files(tmp_path) == []


def test_an_earlier_boot_with_another_descriptor_says_which(queue, tmp_path):
    leave_alone(queue)
    fill(queue, EVENTS, 1)
    assert new_queue(tmp_path, BOOT + 1).descs() == []
    later = RamQueue(BOOT + 2, RAM_OCTETS, lambda: True, (*queue.place[:2], b"another1"))
    assert later.descs() == []
    later.spill().open_flash()
    assert later.descs() == [[BOOT, DESCRIPTOR]]


def test_a_segment_is_removed_when_all_of_it_is_acknowledged_and_not_before(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    first = segment.read(str(tmp_path / "queue" / files(tmp_path)[0]))
    count = len(files(tmp_path))
    queue.free(BOOT, READINGS, first.next_seq - 1)
    assert len(files(tmp_path)) == count
    assert queue.held()[0][2] == first.next_seq - 1
    queue.free(BOOT, READINGS, first.next_seq)
    assert len(files(tmp_path)) == count - 1


def test_the_oldest_readings_go_when_the_files_are_as_many_as_may_be(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 10 * PER_SEGMENT)
    assert len(files(tmp_path)) <= FILES + 1  # a gap's takes no block
    held = contents(queue, BOOT, READINGS)
    lost = [seq for seq in held if held[seq] == "queue_full"]
    assert lost == list(range(queue.dropped))
    assert sorted(held) == list(range(10 * PER_SEGMENT + 1))
    gap = up.decode(queue.get(BOOT, READINGS, 0)[0])
    assert (gap.t_first, gap.span) == (0, (len(lost) - 1) * 1000 + SPAN)
    again = contents(new_queue(tmp_path, BOOT + 1), BOOT, READINGS)
    assert [seq for seq in again if again[seq] == "queue_full"] == lost


def test_bulk_goes_before_readings_and_events_never(queue):
    leave_alone(queue)
    fill(queue, EVENTS, 2)
    fill(queue, BULK, 2 * PER_SEGMENT)
    fill(queue, READINGS, 3 * PER_SEGMENT)
    assert "queue_full" in contents(queue, BOOT, BULK).values()
    assert "queue_full" not in contents(queue, BOOT, EVENTS).values()
    fill(queue, BULK, 8 * PER_SEGMENT)
    assert "queue_full" not in contents(queue, BOOT, READINGS).values()


def test_events_are_refused_only_when_they_alone_fill_flash_and_ram(tmp_path):
    queue = new_queue(tmp_path, files=3)
    leave_alone(queue)
    with pytest.raises(QueueFull):
        fill(queue, EVENTS, 2000)
    count = queue.next_seq(EVENTS)
    assert count > 3
    assert sorted(contents(queue, BOOT, EVENTS)) == list(range(count))


def test_what_a_file_was_to_become_is_removed_at_the_start(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, PER_SEGMENT)
    saved = queue.streams[READINGS].first_seq
    torn = tmp_path / "queue" / (files(tmp_path)[0][:13] + f"{saved:08x}")
    torn.write_bytes(b"")
    (tmp_path / "queue" / "0.new").write_bytes(b"x")
    later = new_queue(tmp_path, BOOT + 1)
    assert later.held()[1] == [BOOT, READINGS, 0, saved]
    assert len(files(tmp_path)) == 1


def test_a_boot_that_goes_on_knows_its_own_files_however_many_older_boots_have_some(tmp_path):
    boots = [BOOT + (number << 16) for number in range(KEPT_MOST + 4)]
    for boot in boots:
        queue = new_queue(tmp_path, boot, files=100)
        leave_alone(queue)
        fill(queue, EVENTS, 1)
    again = new_queue(tmp_path, boots[-1], files=100)  # after deep sleep; what is in RAM follows on flash
    again.stream(EVENTS).first_seq = again.stream(EVENTS).record_seq = 1
    assert again.held()[0] == [boots[-1], EVENTS, 0, 1]
    assert again.flash.next_seq(EVENTS) == 1


def test_more_boots_than_a_hello_can_name_come_one_after_the_other(tmp_path):
    boots = [BOOT + (number << 16) for number in range(20)]
    for boot in boots:
        queue = new_queue(tmp_path, boot, files=100)
        leave_alone(queue)
        fill(queue, EVENTS, 1)
    queue = new_queue(tmp_path, BOOT + (99 << 16), files=100)
    seen = []
    while len(queue.held()) > 1:
        boot, stream, _first_seq, next_seq = next(each for each in queue.held() if each[0] != queue.boot)
        assert len(queue.held()) <= 17
        seen.append((stream, boot))
        queue.free(boot, stream, next_seq)
    assert sorted(boot for stream, boot in seen if stream == EVENTS) == boots
    assert files(tmp_path) == []


def test_the_longest_hello_fits_a_message(tmp_path):
    older = [
        [fields.BOOT_LIMIT - number, 1, fields.SEQ_LIMIT - 1, fields.SEQ_LIMIT] for number in range(KEPT_MOST)
    ]
    this = [[fields.BOOT_LIMIT, stream, fields.SEQ_LIMIT - 1, fields.SEQ_LIMIT] for stream in range(3)]
    fw = "fieldgate 10.10.10, micropython 1.100.100"
    descs = [[boot, bytes(8)] for boot, *_ in older]
    hello = up.Hello(
        bytes(8),
        fields.BOOT_LIMIT,
        fields.TICKS_LIMIT,
        fw,
        bytes(8),
        "deep_sleep",
        this + older,
        1024,
        bytes(8),
    )
    hello.trial, hello.descs = "application", descs
    assert len(hello.encode(cbor.Encoder(2000))) <= fields.MESSAGE_OCTETS


def test_without_a_place_for_it_there_is_no_flash():
    queue = RamQueue(BOOT, RAM_OCTETS)
    leave_alone(queue)
    fill(queue, READINGS, 10 * PER_SEGMENT)
    assert queue.flash is None
    assert contents(queue, BOOT, READINGS)[0] == "queue_full"


def test_flash_is_let_go_when_it_is_empty_and_somebody_is_there(queue):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    assert queue.flash is not None
    queue.free(BOOT, READINGS, queue.next_seq(READINGS))
    queue.look()
    assert queue.flash is None
    assert queue.held() == [[BOOT, READINGS, 91, 91]]
