"""gateway/sinks/cursor.py against a set of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sinks.cursor import Cursor

START = 10
LAST = 80
spans = st.tuples(st.integers(1, LAST), st.integers(0, 12)).map(lambda each: (each[0], each[0] + each[1]))
ids = st.integers(0, LAST + 15)


def filled(added):
    cursor = Cursor(START)
    for first, last in added:
        cursor.add(first, last)
    return cursor


def model(added):
    return set(range(START + 1)).union(*(range(first, last + 1) for first, last in added))


@given(st.lists(spans, max_size=30))
def test_a_cursor_is_the_set_of_what_was_added(added):
    cursor, expected = filled(added), model(added)
    assert {each for each in range(LAST + 20) if each in cursor} == expected
    position = next(each for each in range(LAST + 20) if each not in expected) - 1
    assert cursor.position == position
    assert cursor.above == len(expected) - position - 1
    ranges = cursor.largest(1000)
    assert len(ranges) == len(cursor)
    for (_, last), (first, _) in zip([(0, position), *ranges], ranges, strict=False):
        assert last + 1 < first  # disjoint, in order, and never touching


@given(st.lists(spans, max_size=30), ids)
def test_reading_goes_on_behind_what_is_delivered_and_nowhere_else(added, id_):
    cursor, expected = filled(added), model(added)
    past = id_
    while past + 1 in expected:
        past += 1
    assert cursor.past(id_) == past


@given(st.lists(spans, max_size=30), ids)
def test_what_is_open_is_counted(added, id_):
    expected = model(added)
    assert filled(added).open_up_to(id_) == sum(each not in expected for each in range(id_ + 1))


@given(st.lists(spans, max_size=30), st.integers(0, 6))
def test_what_is_kept_of_too_many_ranges_is_a_part_and_the_largest(added, count):
    cursor = filled(added)
    everything, kept = cursor.largest(1000), cursor.largest(count)
    assert len(kept) == min(count, len(everything))
    assert kept == sorted(kept)
    assert set(kept) <= set(everything)
    lengths = sorted((last - first for first, last in everything), reverse=True)
    assert sorted((last - first for first, last in kept), reverse=True) == lengths[: len(kept)]
    again = Cursor(cursor.position, kept)
    assert all(each in cursor for each in range(LAST + 20) if each in again)


def test_of_ranges_of_one_length_the_oldest_is_forgotten():
    assert filled([(20, 20), (30, 30), (40, 40)]).largest(2) == [(30, 30), (40, 40)]


def test_confirming_again_after_a_lost_connection_changes_nothing():
    cursor = Cursor(0)
    for each in (2, 1, 1, 2, 3):
        cursor.add(each, each)
    assert (cursor.position, len(cursor)) == (3, 0)
