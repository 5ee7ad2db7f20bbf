"""gateway/sinks/pace.py on a virtual clock, against a broker that takes a time for each record."""

import itertools
from random import Random

import pytest

from gateway.sinks.pace import BURST_S, CEILING_PER_S, FIRST_PER_S, FLOOR_PER_S, SPREAD_S, STALLED_S, Pace

TICK_S = 0.25


class Early(Random):
    """Chance that always draws the lower end."""

    def uniform(self, a, b):
        return a


def rates(pace, seconds, waited_s, start_s=0.0):
    """Drain for so long at ticks of the sink; gives the rate of each second."""
    found = []
    now_s = start_s
    for _ in range(seconds):
        sent = 0
        for _ in range(int(1 / TICK_S)):
            now_s += TICK_S
            while pace.room(now_s) > 0:
                pace.sent()
                pace.answered(waited_s(pace.per_s))
                sent += 1
            pace.adapt(now_s)
        found.append(sent)
    return found


def test_it_begins_slowly_and_doubles_while_answers_are_prompt():
    found = rates(Pace(Early()), 5, lambda _rate: 0.002)
    assert found[0] == pytest.approx(FIRST_PER_S, rel=0.1)
    assert all(1.8 < after / before < 2.2 for before, after in itertools.pairwise(found))


def test_it_stays_below_the_ceiling():
    pace = Pace(Early())
    assert max(rates(pace, 12, lambda _rate: 0.002)) <= CEILING_PER_S
    assert pace.per_s == CEILING_PER_S


def test_a_broker_that_answers_later_and_later_halves_it_down_to_the_floor_and_not_below():
    pace = Pace(Early())
    rates(pace, 3, lambda _rate: 0.002)
    found = rates(pace, 12, lambda _rate: 5.0, start_s=3.0)
    assert found == sorted(found, reverse=True)
    assert pace.per_s == FLOOR_PER_S
    assert found[-1] >= FLOOR_PER_S - 1


def test_it_settles_below_what_the_broker_can_do():
    able_per_s = 3000
    pace = Pace(Early())
    found = rates(pace, 60, lambda rate: 0.01 if rate < able_per_s else 1.0)
    assert max(found[20:]) <= able_per_s * 1.5
    assert sum(found[20:]) / 40 > able_per_s / 2


def test_refusals_are_congestion():
    pace = Pace(Early())
    pace.adapt(1.0)
    before = pace.per_s
    pace.refused()
    pace.adapt(2.0)
    assert pace.per_s == before / 2


def test_a_rate_that_is_not_used_does_not_grow():
    pace = Pace(Early())
    for second in range(1, 20):
        assert pace.room(second) > 0
        pace.sent()
        pace.answered(0.001)
        pace.adapt(second)
    assert pace.per_s == FIRST_PER_S


def test_the_configured_cap_holds_from_the_first_second():
    found = rates(Pace(Early(), cap_per_s=50), 10, lambda _rate: 0.002)
    assert max(found) <= 50 * (1 + BURST_S)
    assert sum(found) == pytest.approx(500, rel=0.1)


def test_a_cap_below_the_floor_is_kept():
    pace = Pace(Early(), cap_per_s=2)
    rates(pace, 10, lambda _rate: 9.0)
    assert pace.per_s == 2


def test_gateways_that_come_back_together_begin_at_different_times():
    begins = []
    for seed in range(50):
        pace = Pace(Random(seed))
        pace.begin(100.0)
        begins.append(next(at for at in range(1000, 1100) if pace.room(at / 10) > 0) / 10 - 100)
    assert max(begins) <= SPREAD_S + 0.1
    assert len({int(begin) for begin in begins}) >= SPREAD_S


def test_what_the_broker_takes_is_shown():
    pace = Pace(Early(), cap_per_s=100)
    rates(pace, 5, lambda _rate: 0.002)
    assert pace.shown_per_s == pytest.approx(100, rel=0.2)
    for second in range(5, 40):
        pace.adapt(second)
    assert pace.shown_per_s < 1


def test_nothing_is_shown_of_a_broker_that_stopped_answering_nor_without_a_connection():
    pace = Pace(Early(), cap_per_s=100)
    rates(pace, 5, lambda _rate: 0.002)
    for second in range(int(STALLED_S)):
        assert pace.shown_per_s > 0
        pace.adapt(6.0 + second)
    assert pace.shown_per_s == 0
    pace.answered(0.002)
    pace.adapt(20.0)
    assert pace.shown_per_s > 0
    pace.end()
    assert pace.shown_per_s == 0
