from dataclasses import astuple
from itertools import pairwise

from hil_tests.chips import Air, Load
from hil_tests.chips.drift import DAY_S, Drift


def week(seed=0, step_s=60.0):
    air, load = Air(), Load()
    drift = Drift(air, load, seed=seed)
    for _ in range(int(7 * DAY_S / step_s)):
        drift.advance(step_s)
        yield astuple(air), load.kilograms


def test_a_week_stays_within_what_the_sensors_can_measure():
    for (temperature, humidity, pressure), kilograms in week():
        assert 0 < temperature < 25
        assert 20 < humidity < 98
        assert 98_000 < pressure < 104_000
        assert 3 < kilograms < 7


def test_the_same_seed_gives_the_same_path_and_another_one_another():
    assert list(week(1)) == list(week(1)) != list(week(2))


def test_things_change_slowly():
    path = [air[0] for air, _ in week()]
    assert max(abs(b - a) for a, b in pairwise(path)) < 1.0
    assert max(path) - min(path) > 8.0
