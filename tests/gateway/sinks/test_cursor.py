"""gateway/sinks/cursor.py"""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sinks.cursor import Cursor

ids = st.sets(st.integers(11, 200), min_size=1, max_size=40).map(sorted)


@given(ids, st.data())
def test_position_is_always_the_last_id_before_the_first_unconfirmed_one(taken, data):
    cursor = Cursor(10)
    for each in taken:
        cursor.taken(each)
    confirmed = set()
    for each in data.draw(st.permutations(taken)):
        confirmed.add(each)
        position = cursor.confirmed(each)
        open_ids = [one for one in taken if one not in confirmed]
        below = [one for one in taken if not open_ids or one < open_ids[0]]
        assert position == cursor.position == (below[-1] if below else 10)
    assert len(cursor) == 0


@given(ids, st.data())
def test_an_id_is_confirmed_exactly_if_it_was_said_to_be(taken, data):
    cursor = Cursor(10)
    for each in taken:
        cursor.taken(each)
    some = data.draw(st.sets(st.sampled_from(taken)))
    for each in some:
        cursor.confirmed(each)
    assert {each for each in taken if cursor.is_confirmed(each)} == some


def test_taking_an_id_again_after_a_lost_connection_changes_nothing():
    cursor = Cursor(0)
    for each in (1, 2, 3, 1, 2, 3):
        cursor.taken(each)
    assert cursor.confirmed(2) == 0
    assert cursor.confirmed(1) == 2
    assert cursor.confirmed(1) == 2
    assert cursor.confirmed(3) == 3


def test_everything_up_to_the_start_is_confirmed():
    assert Cursor(7).is_confirmed(7)
    assert not Cursor(7).is_confirmed(8)
