"""firmware/kept.py"""

import random
from pathlib import Path

import pytest

from firmware.kept import BEFORE_OCTETS, OVERHEAD_OCTETS, Kept, awake, read
from firmware.queue import READINGS, RamQueue
from tests.firmware.records import BOOT, block

DESC = b"12345678"
ROOM = 2048 - OVERHEAD_OCTETS  # of RTC memory


def queue_of(streams=(0, READINGS, 2), octets=ROOM):
    """A queue with gaps in front of its records, as full as may be."""
    queue = RamQueue(BOOT, octets)
    for stream in streams:
        held = queue.stream(stream)
        held.first_seq, held.record_seq, held.t_first, held.t_last = 3, 7, 5_000_000_000, 1 << 52
    while True:
        for stream in streams:
            record = block(stream, queue.next_seq(stream), range(queue.next_seq(stream) % 9), BOOT)
            if queue.octets + len(record) + 2 > octets:
                return queue
            queue.append(stream, queue.next_seq(stream), record)


def kept_of(queue):
    kept = Kept(BOOT, DESC, 14, unheard=True)
    kept.ticks_us, kept.rtc_us, kept.sleep_ms = 1 << 55, 1 << 50, 86_400_000
    return kept.octets(queue)


def test_a_queue_comes_back_as_it_was_kept():
    queue = queue_of()
    octets = kept_of(queue)
    kept = read(octets)
    again = RamQueue(BOOT, ROOM)
    kept.give(again, octets)
    assert (kept.boot, kept.desc, kept.wakes, kept.unheard, kept.asleep) == (BOOT, DESC, 14, True, True)
    assert again.held() == queue.held()
    assert again.octets == queue.octets
    for boot, stream, first_seq, next_seq in queue.held():
        seq = first_seq
        while seq < next_seq:
            assert again.get(boot, stream, seq) == queue.get(boot, stream, seq)
            seq = queue.get(boot, stream, seq)[1]


def test_a_full_queue_fits_rtc_memory_behind_the_launchers_share():
    assert 1950 < len(kept_of(queue_of())) <= 2048


def test_the_seqs_go_on_where_all_was_acknowledged():
    queue = queue_of()
    for boot, stream, _, next_seq in queue.held():
        queue.free(boot, stream, next_seq)
    again = RamQueue(BOOT, ROOM)
    octets = kept_of(queue)
    read(octets).give(again, octets)
    assert [again.next_seq(stream) for stream in (0, 1, 2)] == [
        queue.next_seq(stream) for stream in (0, 1, 2)
    ]
    assert again.octets == 0


def test_once_a_wake_goes_on_with_it_that_can_be_told_and_nothing_else_is_different():
    octets = kept_of(queue_of())
    kept = read(awake(octets))
    assert not kept.asleep
    kept.asleep = True
    again = RamQueue(BOOT, ROOM)
    kept.give(again, octets)
    assert kept.octets(again) == octets


def test_no_damaged_octet_is_believed():
    rng = random.Random(1)
    octets = kept_of(queue_of(octets=300))
    for at in range(BEFORE_OCTETS, len(octets)):
        damaged = bytearray(octets)
        damaged[at] ^= 1 << rng.randrange(8)
        assert read(damaged) is None, at
    assert all(read(octets[:length]) is None for length in range(len(octets)))
    assert all(read(rng.randbytes(2032)) is None for _ in range(100))


@pytest.mark.parametrize(
    ("slept_us", "ticks"), [(-1, None), (0, 500), (60_000_000, 60_000_500), (180_000_001, None)]
)
def test_a_clock_that_somebody_has_set_is_not_believed(slept_us, ticks):
    kept = Kept(BOOT, DESC, 0, unheard=False)
    kept.ticks_us, kept.rtc_us, kept.sleep_ms = 500, 1000, 60_000
    assert kept.ticks_at(1000 + slept_us) == ticks


def test_the_launchers_share_is_as_large_as_the_launcher_says():
    launcher = (Path(__file__).resolve().parents[2] / "firmware" / "launch.py").read_text()
    assert f"\nRTC_OCTETS = const({BEFORE_OCTETS})\n" in launcher
