"""gateway/sinks/window.py, hold.py and backoff.py"""

from itertools import count
from random import Random

import pytest

from gateway.sinks.backoff import Backoff
from gateway.sinks.hold import Hold
from gateway.sinks.way import Way
from gateway.sinks.window import Flight, Window


class Latest(Random):
    """Chance that always draws the upper end."""

    def uniform(self, a, b):
        return b


@pytest.fixture
def window():
    window = Window()
    window.open(3)
    return window


@pytest.fixture
def hold():
    return Hold(Backoff(2.0, 8.0, Latest()))


packet_ids = count(1)


def sent(window, now_s, way=Way.LIVE):
    packet_id = next(packet_ids)
    window.sent(packet_id, Flight(None, way, "topic", now_s))
    return packet_id


def test_a_flight_lands_once_under_its_packet_id(window):
    packet_id = sent(window, 5.0)
    assert window.land(packet_id) == Flight(None, Way.LIVE, "topic", 5.0)
    assert window.land(packet_id) is None


def test_the_oldest_flight_tells_how_long_the_broker_has_kept_silent(window):
    assert window.oldest_s(9.0) == 0.0
    first = sent(window, 1.0)
    sent(window, 3.0)
    assert window.oldest_s(9.0) == 8.0
    window.land(first)
    assert window.oldest_s(9.0) == 6.0


@pytest.mark.parametrize(("limit", "of_old"), [(1, 1), (2, 1), (3, 2), (4, 3), (20, 15), (100, 75)])
def test_a_quarter_of_the_window_is_for_live_records_only(window, limit, of_old):
    window.open(limit)
    assert window.limit_of_old == of_old


def test_live_and_older_flights_are_told_apart(window):
    live, old = sent(window, 0.0), sent(window, 0.0, Way.BACKLOG)
    sent(window, 0.0, Way.CORRECTION)
    assert (len(window), window.live, window.old) == (3, 1, 2)
    window.land(old)
    assert (window.live, window.old) == (1, 1)
    window.land(live)
    assert (window.live, window.old) == (0, 1)
    window.close()
    assert (len(window), window.old) == (0, 0)


def test_after_a_refusal_comes_a_pause_and_then_one_at_a_time(hold):
    assert hold.room(0.0, 20, 3) == 17
    assert hold.refuse(0.0)
    assert hold.room(1.9, 20, 0) == 0
    assert hold.room(2.0, 20, 0) == 1
    assert hold.room(2.0, 20, 1) == 0


def test_refusals_within_a_pause_do_not_lengthen_it(hold):
    assert hold.refuse(0.0)
    assert not hold.refuse(1.0)
    assert hold.room(2.0, 20, 0) == 1


def test_what_was_sent_before_the_refusal_does_not_end_it(hold):
    hold.refuse(1.0)
    hold.taken(0.5)
    assert hold
    hold.taken(3.0)
    assert not hold
    assert hold.room(3.0, 20, 0) == 20


def test_every_other_probe_is_another_record(hold):
    assert not hold.another
    asked = []
    for now_s in (0.0, 10.0, 20.0, 30.0):
        hold.refuse(now_s)
        asked.append(hold.another)
    assert asked == [False, True, False, True]


def test_pauses_double_up_to_their_limit_until_one_record_is_taken(hold):
    ends = []
    now_s = 0.0
    for _ in range(4):
        hold.refuse(now_s)
        now_s = next(at for at in range(int(now_s), 100) if hold.room(at, 20, 0) > 0)
        ends.append(now_s)
    assert ends == [2, 6, 14, 22]


def test_backoff_draws_the_whole_time_below_its_limit():
    backoff = Backoff(1.0, 60.0, Random(1))
    times = [backoff.next_s() for _ in range(200)]
    assert max(times) <= 60.0
    assert min(times[10:]) < 5.0
    backoff.reset()
    assert backoff.next_s() <= 1.0
