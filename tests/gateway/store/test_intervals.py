"""Intervals against sets of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.intervals import merged, minus, size, within

SOME = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def numbers(intervals):
    return {each for first, following in intervals for each in range(first, following)}


def is_tidy(intervals):
    ends = [end for each in intervals for end in each]
    return ends == sorted(set(ends))


@given(SOME, SOME)
def test_intervals_are_sets_of_numbers(these, those):
    for found, expected in (
        (merged(these, those), numbers(these) | numbers(those)),
        (minus(these, those), numbers(these) - numbers(those)),
        (within(these, 10, 30), numbers(these) & set(range(10, 30))),
    ):
        assert numbers(found) == expected
        assert size(found) == len(expected)
    assert is_tidy(merged(these, those))
