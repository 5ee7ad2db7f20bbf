"""The sampler on the real MicroPython, with a clock that moves only when somebody sleeps."""

import pytest

from tests.firmware.node import run_script
from wire import faults, up
from wire.scans import scans_of


def sample(script):
    *blocks, missed = run_script("from bench import *\n" + script).split()
    return [up.decode(bytes.fromhex(block)) for block in blocks], int(missed)


def values(blocks, channels=1):
    return [scan for block in blocks for scan in scans_of(block, channels)]


def test_slots_lie_at_an_even_pace_and_do_not_drift():
    blocks, missed = sample("sample([Chip()], 4)")
    assert [block.t_first for block in blocks] == [0, 500_000, 1_000_000, 1_500_000]
    assert [block.span for block in blocks] == [400_000] * 4
    assert values(blocks) == [[at] for at in range(1, 21)]
    assert missed == 0


def times_ms(blocks):
    """When each scan was taken, as a gateway works it out."""
    found = []
    for block in blocks:
        last = len(block.values) - 1
        found += [(block.t_first + block.span * at // max(last, 1)) // 1000 for at in range(last + 1)]
    return found


def test_a_late_scan_keeps_its_time_and_does_not_move_the_ones_after_it():
    blocks, missed = sample("sample([Chip({2: 130000})], 4)")
    assert missed == 0
    assert values(blocks) == [[at] for at in range(1, 15)]
    assert times_ms(blocks) == [0, 100, 240, *range(300, 1400, 100)]


def test_scans_that_are_a_little_late_share_a_block():
    blocks, missed = sample("sample([Chip({2: 99000})], 2)")
    assert missed == 0
    assert [(block.t_first, block.span) for block in blocks] == [(0, 400_000), (500_000, 400_000)]


def test_a_missed_slot_is_a_hole_in_its_place_and_never_made_up_for():
    blocks, missed = sample("sample([Chip({2: 230000})], 3)")
    assert missed == 1
    assert values(blocks) == [[1], [2], [None], [3], [4], [5], [6], [7], [8], [9]]
    assert blocks[0].exceptions == {2: faults.MISSED.code}
    assert times_ms(blocks) == [0, 100, 200, 340, *range(400, 1000, 100)]


def test_a_long_stall_ends_its_block_and_the_next_begins_with_a_reading():
    blocks, missed = sample("sample([Chip({2: 3000000})], 2)")
    assert missed == 29
    assert values(blocks) == [[1], [2], [None], [None], [None], [3], [4], [5], [6], [7]]
    assert [(block.t_first, block.span) for block in blocks] == [(0, 400_000), (3_110_000, 390_000)]


@pytest.mark.parametrize("chip_us", [103_000, 118_000])
def test_a_slower_chip_sets_the_pace_and_none_of_its_conversions_is_missed(chip_us):
    blocks, missed = sample(f"sample([FreeChip({chip_us})], 8)")
    assert missed == 0
    assert values(blocks) == [[at] for at in range(1, 41)]
    for block in blocks[1:]:
        assert abs(block.span - 4 * chip_us) <= 2000
        assert block.t_first % chip_us <= 2000  # the edge, as exactly as it is looked for


def test_a_faster_chip_is_read_at_the_pace_of_the_group():
    blocks, missed = sample("sample([FreeChip(12500)], 4)")
    assert missed == 0
    assert [block.span for block in blocks[1:]] == [400_000] * 3


def test_a_chip_that_is_never_ready_is_a_fault_and_does_not_stop_the_others():
    blocks, _ = sample("""
class Dead(FreeChip):
    def ready(self):
        return False
sample([Dead(1), Chip()], 2, period_ms=1000)
""")
    assert blocks[0].exceptions == dict.fromkeys(range(0, 10, 2), faults.NOT_READY.code)
    assert [scan[1] for scan in values(blocks, 2)] == list(range(1, 11))
    assert blocks[1].t_first - blocks[0].t_first == 5_000_000


def test_the_slots_that_waiting_for_a_silent_chip_took_are_silence_too():
    blocks, missed = sample("""
class Silent(FreeChip):
    def ready(self):
        return False
sample([Silent(1)], 3)
""")
    assert missed == 0
    for number, block in enumerate(blocks):
        assert block.exceptions == dict.fromkeys(range(5), faults.NOT_READY.code)
        assert (block.t_first, block.span) == (number * 500_000, 400_000)


def test_readings_of_a_slow_group_do_not_wait_for_a_full_block():
    blocks, _ = sample("sample([Chip()], 3, period_ms=4000, scans=10)")
    assert [len(block.values) for block in blocks] == [3, 3, 3]
    blocks, _ = sample("sample([Chip()], 2, period_ms=60000, scans=10)")
    assert [(len(block.values), block.t_first) for block in blocks] == [(1, 0), (1, 60_000_000)]


def test_the_largest_block_fits_a_message_even_when_everything_is_missing():
    blocks, _ = sample("""
from wire.faults import CHECKSUM
class Wide(Chip):
    CHANNELS = (("x", "count", 0),) * 3
    def read(self):
        return (CHECKSUM,) * 3
clock.us = 2**40
sample([Wide()], 1, period_ms=10, scans=60)
""")
    assert len(blocks[0].exceptions) == 180
