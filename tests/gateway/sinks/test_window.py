"""gateway/sinks/window.py and backoff.py"""

from itertools import count
from random import Random

import pytest

from gateway.sinks.backoff import Backoff
from gateway.sinks.window import Window


class Latest(Random):
    """Chance that always draws the upper end."""

    def uniform(self, a, b):
        return b


@pytest.fixture
def window():
    window = Window(Backoff(2.0, 8.0, Latest()))
    window.open(3)
    return window


packet_ids = count(1)


def sent(window, record, now_s):
    packet_id = next(packet_ids)
    window.sent(packet_id, record, now_s)
    return packet_id


def test_a_window_takes_as_many_as_its_limit(window):
    assert window.room(0.0) == 3
    for record in (11, 12, 13):
        sent(window, record, 0.0)
    assert window.room(0.0) == 0


def test_a_flight_lands_once_under_its_packet_id(window):
    packet_id = sent(window, 11, 5.0)
    assert window.land(packet_id) == (11, 5.0)
    assert window.land(packet_id) is None


def test_the_oldest_flight_tells_how_long_the_broker_has_kept_silent(window):
    assert window.oldest_s(9.0) == 0.0
    first = sent(window, 1, 1.0)
    sent(window, 2, 3.0)
    assert window.oldest_s(9.0) == 8.0
    window.land(first)
    assert window.oldest_s(9.0) == 6.0


def test_after_a_refusal_comes_a_pause_and_then_one_at_a_time(window):
    window.land(sent(window, 1, 0.0))
    assert window.refuse(0.0)
    assert window.room(1.9) == 0
    assert window.room(2.0) == 1


def test_refusals_within_a_pause_do_not_lengthen_it(window):
    assert window.refuse(0.0)
    assert not window.refuse(1.0)
    assert window.room(2.0) == 1


def test_what_was_sent_before_the_refusal_does_not_end_it(window):
    before = window.land(sent(window, 1, 0.0))
    window.refuse(1.0)
    window.delivered(before)
    assert window.refused
    probe = window.land(sent(window, 2, 3.0))
    window.delivered(probe)
    assert not window.refused
    assert window.room(3.0) == 3


def test_pauses_double_up_to_their_limit_until_one_record_is_taken(window):
    ends = []
    now_s = 0.0
    for _ in range(4):
        window.refuse(now_s)
        now_s = next(at for at in range(int(now_s), 100) if window.room(at))
        ends.append(now_s)
    assert ends == [2, 6, 14, 22]


def test_backoff_draws_the_whole_time_below_its_limit():
    backoff = Backoff(1.0, 60.0, Random(1))
    times = [backoff.next_s() for _ in range(200)]
    assert max(times) <= 60.0
    assert min(times[10:]) < 5.0
    backoff.reset()
    assert backoff.next_s() <= 1.0
