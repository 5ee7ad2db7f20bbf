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


def test_in_a_slow_group_a_conversion_is_of_its_own_slot_and_stamped_as_it_ends():
    blocks, missed = sample("""
class Holding(FreeChip):
    # Its first conversion that nobody took waits until somebody does.
    def read(self):
        first = self.read_number + 1
        self.read_number = clock.us // self.period_us
        return (first,)
sample([Holding(98300)], 3, period_ms=5000, scans=2)
""")
    assert missed == 0
    for at_ms, [number] in zip(times_ms(blocks), values(blocks), strict=True):
        assert 0 <= at_ms - number * 98.3 <= 3


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


def test_a_block_goes_when_its_first_scan_would_be_older_than_the_report_period():
    blocks, _ = sample("sample([Chip()], 3, period_ms=1000, scans=10, report_ms=2500)")
    assert [len(block.values) for block in blocks] == [3, 3, 3]
    blocks, _ = sample("sample([Chip()], 2, period_ms=1000, scans=10, report_ms=0)")
    assert [len(block.values) for block in blocks] == [1, 1]


def test_a_scan_is_the_mean_of_its_samples_at_the_middle_of_their_time():
    blocks, missed = sample("sample([Chip()], 2, decimate=4, scans=3)")
    assert missed == 0
    # Samples 1, 2, 3 ... each 100 ms: the means 2.5, 6.5, 10.5 are rounded up.
    assert values(blocks) == [[3], [7], [11], [15], [19], [23]]
    assert times_ms(blocks) == [150, 550, 950, 1350, 1750, 2150]


NEAR_THE_END = """
class Wave(Chip):
    CHANNELS = (("x", "count", 0),) * 2
    def read(self):
        number = self.starts % 3
        return (8388606 - number, -8388606 + number)
"""


SETTLES = """
from wire.faults import UNSETTLED
class Settles(Chip):
    MEASURE_MS = 100
    def read(self):
        return (UNSETTLED if self.starts < 5 else self.starts,)
"""


def test_a_chip_that_has_to_settle_does_so_within_one_slot_of_a_slow_group():
    blocks, missed = sample(SETTLES + "sample([Settles()], 2, period_ms=60000, scans=1)")
    assert (values(blocks), missed) == ([[5], [6]], 0)
    assert times_ms(blocks) == [440, 60_000]


def test_a_chip_that_never_settles_takes_half_a_period_at_most_and_two_seconds():
    script = SETTLES.replace("self.starts < 5", "True")
    for period_ms, most_ms in ((600, 420), (60_000, 2_110)):
        blocks, missed = sample(script + f"sample([Settles()], 2, period_ms={period_ms}, scans=1)")
        assert [block.exceptions for block in blocks] == [{0: faults.UNSETTLED.code}] * 2
        assert missed == 0
        first, second = times_ms(blocks)
        assert most_ms - 110 <= first + 100 <= most_ms
        assert second - first == period_ms


def test_in_a_fast_group_each_slot_has_its_scan():
    blocks, missed = sample(SETTLES + "sample([Settles()], 1, period_ms=150, scans=6)")
    assert (values(blocks), missed) == ([[None], [None], [None], [None], [5], [6]], 0)


def test_a_mean_of_large_and_of_negative_numbers_is_exact():
    blocks, _ = sample(NEAR_THE_END + "sample([Wave()], 1, decimate=600, period_ms=10, scans=2)")
    assert values(blocks, 2) == [[8388605, -8388605]] * 2


def test_a_mean_that_lacks_a_sample_is_missing_for_the_first_reason():
    blocks, _ = sample("""
from wire.faults import CHECKSUM, SATURATED
class Flawed(Chip):
    CHANNELS = (("x", "count", 0),) * 2
    def read(self):
        return (CHECKSUM if self.starts == 6 else SATURATED if self.starts == 7 else self.starts, 5)
sample([Flawed()], 1, decimate=4, scans=3)
""")
    assert values(blocks, 2) == [[3, 5], [None, 5], [11, 5]]
    assert blocks[0].exceptions == {2: faults.CHECKSUM.code}


def test_a_slot_missed_within_a_mean_is_named_and_the_next_scan_stays_in_its_place():
    blocks, missed = sample("sample([Chip({2: 205000})], 1, decimate=3, scans=3)")
    assert missed == 1
    assert blocks[0].exceptions == {0: faults.MISSED.code}
    # Samples at 0, 100, (200), 315, 400, 500, 600, 700, 800 ms.
    assert values(blocks) == [[None], [4], [7]]
    assert (blocks[0].t_first, blocks[0].span) == (100_000, 600_000)


def test_a_stall_in_a_mean_ends_the_block_and_the_next_begins_whole():
    blocks, missed = sample("sample([Chip({2: 3000000})], 2, decimate=2, scans=2)")
    assert missed == 29
    assert values(blocks) == [[2], [None], [4], [6]]


def test_means_are_reported_in_time_too():
    blocks, _ = sample("""
sample([Chip()], 2, decimate=4, scans=10, report_ms=900)
assert told_ms == [710, 1510], told_ms  # with the last sample that counts, not when the time is over
""")
    assert [len(block.values) for block in blocks] == [2, 2]


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
