"""gateway/node_clock.py, gateway/clock_track.py and gateway/clock_fit.py"""

import pytest

from gateway.clock_fit import FREE_WANDER, LEAST_WANDER, SKEW_LIMIT, Fit
from gateway.clock_track import ANCHORS, CHOSEN, WINDOW, Track, best_of_each_part, wander_of
from gateway.node_clock import (
    HELLO_DELAY_NS,
    QUICK_EXCHANGES,
    RTT_LIMIT_NS,
    Exchange,
    NodeClock,
    TimeState,
)

US = 1000
MS = 1_000_000
S = 1_000_000_000


def exchange(host_s, *, skew_ppm=0.0, rtt_ms=1.0, shift_us=0):
    """An exchange with a node that booted with the host; both ways take the same time."""
    half_ns = int(rtt_ms * MS / 2)
    received_ns = int(host_s * S) + half_ns
    ticks = int(received_ns / US * (1 - skew_ppm * 1e-6)) + shift_us
    return Exchange(
        t1_ns=int(host_s * S), t2_us=ticks, t3_us=ticks + 100, t4_ns=received_ns + 100 * US + half_ns
    )


def clock_of(seconds, **facts):
    clock = NodeClock()
    for at_s in seconds:
        clock.add(exchange(at_s, **facts))
    return clock


def test_nothing_known_is_unknown():
    assert NodeClock().at(5).state is TimeState.UNKNOWN


def test_a_hello_bounds_the_clock_from_one_side():
    clock = NodeClock()
    clock.hello(2_000_000, 50 * S)
    instant = clock.at(1_000_000)
    assert instant.state is TimeState.PROVISIONAL
    assert instant.boottime_ns == 49 * S
    assert instant.uncertainty_ns >= HELLO_DELAY_NS


def test_of_several_hellos_the_fastest_counts():
    clock = NodeClock()
    clock.hello(1_000_000, 50 * S)
    clock.hello(3_000_000, 51 * S)
    clock.hello(4_000_000, 53 * S)
    assert clock.at(3_000_000).boottime_ns == 51 * S


def test_one_exchange_resolves_what_is_near_it():
    instant = clock_of([10]).at(10_000_000)
    assert instant.state is TimeState.RESOLVED
    assert abs(instant.boottime_ns - 10 * S) <= instant.uncertainty_ns <= 2 * MS


def test_offset_and_round_trip_are_those_of_rfc_5905():
    asked = Exchange(t1_ns=1000 * MS, t2_us=500_000, t3_us=500_300, t4_ns=1002 * MS)
    clock = NodeClock()
    clock.add(asked)
    assert asked.rtt_ns == 1_700_000
    assert clock.at(500_150).boottime_ns == 1001 * MS


def test_skew_is_measured_over_a_window():
    clock = clock_of(range(0, 600, 10), skew_ppm=120)
    instant = clock.at(int(605e6 * (1 - 120e-6)))
    assert abs(instant.boottime_ns - 605 * S) < 20 * US


def test_skew_beyond_the_limit_is_clamped():
    fit = Fit([exchange(s, skew_ppm=900) for s in range(0, 600, 60)], FREE_WANDER)
    assert fit.skew == SKEW_LIMIT


def test_a_short_run_does_not_invent_a_skew():
    fit = Fit([exchange(0.0, rtt_ms=1), exchange(0.5, rtt_ms=1, shift_us=400)], FREE_WANDER)
    assert abs(fit.skew) < SKEW_LIMIT / 20


def test_uncertainty_grows_to_either_side_of_the_exchanges():
    clock = clock_of(range(1000, 1600, 10))
    inside = clock.at(1_300_000_000).uncertainty_ns
    for step_us in (-1, 1):
        edge = 1_000_000_000 if step_us < 0 else 1_600_000_000
        stated = [clock.at(edge + step_us * far).uncertainty_ns for far in (10**7, 10**8, 10**9)]
        assert inside < stated[0] < stated[1] < stated[2]


def test_exchanges_that_contradict_a_straight_line_widen_the_uncertainty():
    straight = [exchange(s, rtt_ms=0.2) for s in range(0, 80, 10)]

    def stated(exchanges):
        return Fit(exchanges, 0).place(40_000_000)[1]

    bent = [exchange(s, rtt_ms=0.2, shift_us=900 * (20 < s < 60)) for s in range(0, 80, 10)]
    assert stated(bent) > stated(straight) + MS // 2


@pytest.mark.parametrize(
    "bad",
    [
        Exchange(t1_ns=0, t2_us=10, t3_us=9, t4_ns=S),
        Exchange(t1_ns=S, t2_us=0, t3_us=0, t4_ns=0),
        Exchange(t1_ns=0, t2_us=0, t3_us=2_000_000, t4_ns=S),
        Exchange(t1_ns=0, t2_us=0, t3_us=0, t4_ns=RTT_LIMIT_NS + 1),
    ],
)
def test_an_exchange_that_contradicts_itself_is_refused_and_counted(bad):
    clock = NodeClock()
    clock.add(bad)
    assert clock.refused == 1
    assert clock.at(0).state is TimeState.UNKNOWN


def test_the_slowest_answer_still_accepted_is_at_the_limit():
    clock = NodeClock()
    clock.add(Exchange(t1_ns=0, t2_us=0, t3_us=0, t4_ns=RTT_LIMIT_NS))
    assert clock.refused == 0


def test_a_single_stray_exchange_is_refused():
    clock = clock_of(range(0, 100, 10))
    before = clock.at(90_000_000)
    clock.add(exchange(100, shift_us=-40_000_000))
    clock.add(exchange(110))
    assert clock.jumps == 0
    assert clock.refused == 1
    assert abs(clock.at(90_000_000).boottime_ns - before.boottime_ns) < MS


def test_two_exchanges_that_agree_on_a_leap_start_anew():
    clock = clock_of(range(0, 100, 10))
    clock.add(exchange(100, shift_us=40_000_000))
    clock.add(exchange(101, shift_us=40_000_000))
    assert clock.jumps == 1
    assert abs(clock.at(142_000_000).boottime_ns - 102 * S) < MS
    assert abs(clock.at(50_000_000).boottime_ns - 50 * S) < MS


def test_between_two_runs_only_bounds_are_known():
    clock = clock_of(range(0, 100, 10))
    clock.add(exchange(100, shift_us=40_000_000))
    clock.add(exchange(101, shift_us=40_000_000))
    instant = clock.at(120_000_000)
    assert instant.state is TimeState.INTERVAL
    for possible_s in (80, 120):
        assert abs(instant.boottime_ns - possible_s * S) <= instant.uncertainty_ns


def test_a_clock_that_leaps_for_ever_stays_bounded():
    clock = NodeClock()
    for leap in range(100):
        for part in range(2):
            clock.add(exchange(leap * 10 + part, shift_us=leap * 10**8))
    assert clock.jumps == 99
    assert clock.at(10**10 + 990_000_000).boottime_ns > 0


def test_a_new_node_is_asked_quickly_and_then_every_period():
    clock = NodeClock(period_s=10)
    asked_ns = []
    for step in range(1200):
        now_ns = step * 50 * MS
        if clock.next_exchange_due(now_ns):
            asked_ns.append(now_ns)
            clock.add(exchange(now_ns / S))
    assert asked_ns[QUICK_EXCHANGES - 1] <= 4 * S
    pauses_s = {
        (b - a) // S
        for a, b in zip(asked_ns[QUICK_EXCHANGES:], asked_ns[QUICK_EXCHANGES + 1 :], strict=False)
    }
    assert pauses_s == {10}


def test_a_stray_exchange_is_checked_soon():
    clock = clock_of(range(0, 200, 10))
    clock.add(exchange(200, shift_us=-50_000_000))
    assert not clock.next_exchange_due(200 * S + 400 * MS)
    assert clock.next_exchange_due(200 * S + 500 * MS)


def test_each_part_of_the_window_gives_its_best_and_the_latest_is_there():
    window = [exchange(s, rtt_ms=20 if s % 8 else 1) for s in range(WINDOW)]
    chosen = best_of_each_part(window)
    assert [e.t1_ns // S for e in chosen] == [0, 8, 16, 24, 32, 40, 48, 56, 63]
    assert len(chosen) == CHOSEN + 1


def test_a_slow_exchange_hardly_moves_the_line():
    good = [exchange(s, rtt_ms=0.4) for s in range(0, 70, 10)]
    slow = Exchange(t1_ns=70 * S, t2_us=70_019_000, t3_us=70_019_100, t4_ns=70 * S + 20 * MS)
    assert abs(Fit([*good, slow], 0).place(70_000_000)[0] - 70 * S) < 50 * US


def test_records_of_long_ago_keep_their_place_while_the_window_moves_on():
    track = Track(exchange(0))
    for at_s in range(10, 40_000, 10):
        track.add(exchange(at_s, skew_ppm=30))
    boottime_ns, uncertainty_ns, reach_us = track.place(int(7205e6 * (1 - 30e-6)))
    assert abs(boottime_ns - 7205 * S) < MS
    assert uncertainty_ns < 3 * MS
    assert reach_us == 0


def test_a_year_of_exchanges_is_held_in_a_bounded_track():
    track = Track(exchange(0))
    for at_s in range(1000, 365 * 86400, 1000):
        track.add(exchange(at_s, skew_ppm=30))
    boottime_ns, uncertainty_ns, _reach = track.place(int(100 * 86400e6 * (1 - 30e-6)))
    assert len(track.kept()) <= WINDOW + ANCHORS
    assert abs(boottime_ns - 100 * 86400 * S) <= uncertainty_ns


def test_wander_is_free_until_measured_and_never_below_the_least():
    steady = [exchange(s, skew_ppm=30) for s in range(0, 3000, 300)]
    assert wander_of(steady[:4]) == FREE_WANDER
    assert wander_of(steady) < LEAST_WANDER
    assert Fit(steady, 0).place(4_000_000_000)[1] > 1000e6 * LEAST_WANDER
