"""gateway/sinks/tail.py"""

from gateway.sinks.tail import CHUNK_ROWS, Tail

HOUR = 3600


def filled(tail, count, *, octets=1, first=1):
    for id_ in range(first, first + count):
        tail.add(id_, octets, arrived_ns=id_)
    return tail


def test_nothing_is_released_within_both_limits():
    assert filled(Tail(limit_ns=10_000, limit_octets=10_000), 2000).released(2000) == 0


def test_what_is_too_old_is_released_in_whole_chunks():
    tail = filled(Tail(limit_ns=1000, limit_octets=10**9), 4 * CHUNK_ROWS)
    released = tail.released(1000 + 2 * CHUNK_ROWS + 5)
    assert released == 2 * CHUNK_ROWS
    assert tail.octets == 2 * CHUNK_ROWS


def test_what_is_too_much_is_released_whatever_its_age():
    tail = filled(Tail(limit_ns=10**12, limit_octets=3 * CHUNK_ROWS), 4 * CHUNK_ROWS)
    assert tail.released(0) == CHUNK_ROWS


def test_without_a_tail_all_is_released():
    assert filled(Tail(limit_ns=0, limit_octets=0), 10).released(10**9) == 10


def test_an_old_row_does_not_go_before_a_young_one_of_its_chunk():
    tail = Tail(limit_ns=1000, limit_octets=10**9)
    tail.add(1, 1, arrived_ns=0)
    tail.add(2, 1, arrived_ns=500)
    assert (tail.released(1400), tail.released(1500)) == (0, 2)


def test_a_cleared_tail_begins_anew():
    tail = filled(Tail(limit_ns=0, limit_octets=0), 10)
    tail.released(0)
    tail.clear()
    assert (tail.released(0), tail.octets) == (0, 0)
    assert filled(tail, 3).released(0) == 3
