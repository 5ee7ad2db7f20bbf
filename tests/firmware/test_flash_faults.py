"""Flash that is damaged, full or broken costs what it must, and says so."""

import errno

import pytest

from firmware import segment, spill
from firmware.queue import READINGS
from tests.firmware.offline import (
    PER_SEGMENT,
    contents,
    files,
    fill,
    ilistdir,
    leave_alone,
    new_queue,
    queue,
    record,
)
from tests.firmware.records import BOOT

__all__ = ["ilistdir", "queue"]  # fixtures


def damage(path, at):
    octets = bytearray(path.read_bytes())
    octets[at] ^= 0x10
    path.write_bytes(octets)


def test_a_damaged_record_is_a_gap_of_its_own(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    at = segment.HEADER_OCTETS + 3 * (segment.RECORD_OCTETS + len(record(BOOT, READINGS, 1))) + 20
    damage(tmp_path / "queue" / files(tmp_path)[0], at)
    held = contents(new_queue(tmp_path, BOOT + 1), BOOT, READINGS)
    assert [seq for seq in held if held[seq] == "flash_damaged"] == [3]


def test_a_damaged_length_costs_the_rest_of_its_segment(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 3 * PER_SEGMENT)
    path = tmp_path / "queue" / files(tmp_path)[0]
    first = segment.read(str(path))
    damage(path, segment.HEADER_OCTETS)
    held = contents(new_queue(tmp_path, BOOT + 1), BOOT, READINGS)
    assert [seq for seq in held if held[seq] == "flash_damaged"] == list(range(first.next_seq))


@pytest.mark.parametrize("which", [0, 1])
def test_a_segment_without_a_header_is_a_gap_up_to_the_next(queue, tmp_path, which):
    leave_alone(queue)
    fill(queue, READINGS, 3 * PER_SEGMENT)
    path = tmp_path / "queue" / files(tmp_path)[which]
    whole = segment.read(str(path))
    damage(path, 9)
    held = contents(new_queue(tmp_path, BOOT + 1), BOOT, READINGS)
    lost = [seq for seq in held if held[seq] == "flash_damaged"]
    assert lost == list(range(whole.first_seq, whole.next_seq))


def test_the_last_segment_without_a_header_names_the_one_seq_that_is_known(queue, tmp_path):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    path = tmp_path / "queue" / files(tmp_path)[-1]
    first_seq = segment.read(str(path)).first_seq
    damage(path, 9)
    held = contents(new_queue(tmp_path, BOOT + 1), BOOT, READINGS)
    assert (max(held), held[first_seq]) == (first_seq, "flash_damaged")


class Failing:
    """What writing a segment does instead, `times` times."""

    def __init__(self, error, times):
        self.error = error
        self.times = times
        self.write = segment.write

    def __call__(self, *arguments):
        if self.times:
            self.times -= 1
            raise self.error
        return self.write(*arguments)


def test_a_full_file_system_costs_the_oldest_and_goes_on(queue, monkeypatch):
    leave_alone(queue)
    fill(queue, READINGS, 3 * PER_SEGMENT)
    monkeypatch.setattr(segment, "write", Failing(OSError(errno.ENOSPC, ""), 1))
    fill(queue, READINGS, 2 * PER_SEGMENT)
    held = contents(queue, BOOT, READINGS)
    assert 0 < queue.dropped <= PER_SEGMENT
    assert [seq for seq in held if held[seq] == "queue_full"] == list(range(queue.dropped))


@pytest.mark.parametrize(
    ("error", "number"),
    [(OSError(errno.ENOSPC, ""), 28), (OSError(errno.EIO, ""), 5), (MemoryError(), 12)],
)
def test_a_flash_that_takes_nothing_is_named_and_the_ram_goes_on(queue, monkeypatch, error, number):
    leave_alone(queue)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    monkeypatch.setattr(segment, "write", Failing(error, 10**6))
    fill(queue, READINGS, 20 * PER_SEGMENT)
    assert queue.flash_fault == number
    held = contents(queue, BOOT, READINGS)
    assert sorted(held) == list(range(queue.next_seq(READINGS)))
    assert list(held.values()).count("queue_full") == queue.dropped > 0
    monkeypatch.undo()


def test_flash_is_tried_again_after_a_minute(queue, monkeypatch, tmp_path):
    leave_alone(queue)
    failing = Failing(OSError(errno.EIO, ""), 1)
    monkeypatch.setattr(segment, "write", failing)
    fill(queue, READINGS, 2 * PER_SEGMENT)
    assert files(tmp_path) == []
    for _ in range(spill.LOOKS_PAUSE):
        queue.look()
    fill(queue, READINGS, 1)
    assert len(files(tmp_path)) == 1
    assert queue.flash_fault == 0
