from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.seq_ranges import SeqRanges

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


def members(ranges):
    return {seq for first, next_seq in ranges for seq in range(first, next_seq)}


@given(RANGES)
def test_it_is_a_set_of_seqs(put):
    ranges = SeqRanges(put)
    assert members(ranges) == members(put)
    assert ranges.count == len(members(ranges))
    assert [seq for seq in range(42) if seq in ranges] == sorted(members(ranges))
    assert (ranges.bounds is None) == (not members(put))


@given(RANGES)
def test_ranges_are_sorted_and_do_not_touch(put):
    ranges = list(SeqRanges(put))
    assert all(seq < next_seq for seq, next_seq in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_what_comes_in_order_is_one_range():
    ranges = SeqRanges((seq, seq + 1) for seq in range(1000))
    assert list(ranges) == [(0, 1000)]
    assert len(ranges) == 1
    assert ranges.bounds == (0, 1000)
    assert ranges == SeqRanges([(0, 1000)])
