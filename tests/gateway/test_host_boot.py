"""gateway/host_boot.py and gateway/host_piece.py; more of them is tested through the timeline."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.host_boot import STORE_EVERY_NS, HostBoot, HostBootRecord
from gateway.host_piece import PIECES, Piece, bounded, pieces_of, text_of
from gateway.node_clock import TimeState
from tests.gateway.virtual_host import HOUR, MS, UTC, S, VirtualClock

FRESH = HostBootRecord(number=1, boot_id="x", seen_ns=0, realtime_ns=0)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def host():
    return HostBoot(FRESH)


def seen(host, clock, second, **facts):
    clock.now_ns = second * S
    for name, value in facts.items():
        setattr(clock, name, value)
    return host.observe(clock.reading())


def off_by(host, second, true_utc_ns):
    """How far beyond its uncertainty a time is; below 0 is right."""
    utc_ns, uncertainty_ns, _state = host.utc(second * S)
    return abs(utc_ns - true_utc_ns) - uncertainty_ns


def test_a_wall_clock_that_steps_for_ever_stays_bounded_and_honest(host, clock):
    steps = 10 * PIECES
    for step in range(steps):
        seen(host, clock, step, wall_off_ns=step * HOUR)
    assert len(pieces_of(host.record().pieces)) == PIECES
    assert all(off_by(host, step, UTC + step * S + step * HOUR) <= 0 for step in range(steps))


def test_steps_are_remembered_across_a_restart(host, clock):
    seen(host, clock, 10)
    seen(host, clock, 20)
    seen(host, clock, 21, wall_off_ns=30 * S)
    seen(host, clock, 30)
    again = HostBoot(host.record())
    for second, off_ns in ((5, 0), (15, 0), (25, 30 * S), (40, 30 * S)):
        utc_ns, uncertainty_ns, state = again.utc(second * S)
        assert utc_ns == UTC + second * S + off_ns
        assert uncertainty_ns < 10 * MS
        assert state is TimeState.RESOLVED


def test_what_cannot_be_read_of_the_pieces_is_as_uncertain_as_the_steps_were_far(host, clock):
    seen(host, clock, 10)
    seen(host, clock, 20, wall_off_ns=30 * S)
    again = HostBoot(dataclasses.replace(host.record(), pieces="[[later version]]"))
    assert off_by(again, 15, UTC + 15 * S) <= 0
    assert off_by(again, 15, UTC + 45 * S) <= 0
    assert again.utc(15 * S)[1] < 31 * S


@pytest.mark.parametrize("step_ns", [-S, S, 30 * S, -HOUR])
def test_in_the_second_of_a_step_either_time_may_be_the_truth(host, clock, step_ns):
    for second in range(10, 20):
        seen(host, clock, second)
    for second in range(20, 30):
        seen(host, clock, second, wall_off_ns=step_ns)
    moment_ns = 19 * S + S // 2
    utc_ns, uncertainty_ns, state = host.utc(moment_ns)
    assert state is TimeState.INTERVAL
    for off_ns in (0, step_ns):
        assert abs(utc_ns - (UTC + moment_ns + off_ns)) <= uncertainty_ns
    assert uncertainty_ns < abs(step_ns) // 2 + 10 * MS
    assert [host.utc(second * S)[2] for second in (19, 20)] == [TimeState.RESOLVED] * 2


def test_between_two_times_that_it_was_vouched_for_both_bound_it(host, clock):
    for second in range(10, 20):
        seen(host, clock, second)
    seen(host, clock, 20, synchronised=False)
    hours_ns = 4 * HOUR
    drifted_ns = hours_ns * 50 // 1_000_000
    clock.now_ns, clock.synchronised = 20 * S + hours_ns, True
    clock.wall_off_ns = -drifted_ns  # the daemon steps away what the crystal ran off
    host.observe(clock.reading())
    for share in (0.01, 0.5, 0.99):
        moment_ns = 20 * S + int(share * hours_ns)
        utc_ns, uncertainty_ns, state = host.utc(moment_ns)
        truth_ns = UTC + moment_ns - int(share * drifted_ns)
        assert abs(utc_ns - truth_ns) <= uncertainty_ns < 800 * MS
        assert state is TimeState.RESOLVED


def test_a_bound_that_the_kernel_lets_grow_is_worth_no_more_than_the_crystals_drift(host, clock):
    for second in range(1024):  # chrony states 10 ms, then the kernel adds 500 us a second
        seen(host, clock, second, uncertainty_ns=10 * MS + second * S // 2000)
    live_ns = host.utc(1023 * S)[1]
    assert 100 * MS < live_ns < 115 * MS
    seen(host, clock, 1024, uncertainty_ns=10 * MS)
    assert host.utc(1000 * S)[1] < 65 * MS
    assert host.utc(1024 * S)[1] == 10 * MS


def test_a_bad_hour_does_not_spoil_a_good_day(host, clock):
    for second in range(0, 24 * 3600, 64):
        bad = 10 <= second // 3600 < 11
        seen(host, clock, second, uncertainty_ns=2 * S if bad else 5 * MS, wall_off_ns=bad * S)
    assert host.utc(5 * HOUR)[1] < 20 * MS
    assert host.utc(10 * HOUR + 1800 * S)[1] < 3 * S
    assert host.utc(20 * HOUR)[1] < 20 * MS


def test_belief_in_the_clock_is_stored_at_first_then_seldom(host, clock):
    wanted = [seen(host, clock, second) for second in range(3 * STORE_EVERY_NS // S)]
    assert wanted[0]
    assert sum(wanted) == 3


def test_a_clock_that_was_vouched_for_when_its_boot_was_last_seen_was_not_held(host, clock):
    seen(host, clock, 10)
    assert HostBoot(host.record()).utc(15 * S)[2] is TimeState.RESOLVED
    seen(host, clock, 20, synchronised=False)
    assert HostBoot(host.record()).utc(15 * S)[2] is TimeState.PROVISIONAL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[]",
        "{}",
        "[[1,2,3,4,5]]",
        "[[1,2,3,4,5,6.5]]",
        "[[1,2,3,4,5,true]]",
        "[[2,1,3,4,5,6]]",
        "[[1,2,3,-4,5,6]]",
        "[[1,5,3,4,5,6],[4,6,3,4,5,6]]",
        json.dumps([[n, n, 0, 1, 1, 1] for n in range(PIECES + 1)]),
    ],
)
def test_pieces_that_nobody_wrote_are_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        pieces_of(text)


NUMBERS = st.integers(0, 10**15)


@given(st.lists(st.tuples(*[NUMBERS] * 6), min_size=1, max_size=40))
def test_pieces_survive_being_stored_and_joined(rows):
    places = sorted(place for row in rows for place in row[:2])
    ends = zip(places[::2], places[1::2], strict=True)
    pieces = [
        Piece(since, until, off, first, latest, max(first, latest, worst))
        for (since, until), (_s, _u, off, first, latest, worst) in zip(ends, rows, strict=True)
    ]
    kept = bounded(pieces)
    assert pieces_of(text_of(kept)) == kept
    assert (kept[0].since_ns, kept[-1].until_ns) == (places[0], places[-1])
    for piece in pieces:
        low, high = piece.offset_ns - piece.worst_ns, piece.offset_ns + piece.worst_ns
        covers = [each for each in kept if each.since_ns <= piece.since_ns <= piece.until_ns <= each.until_ns]
        assert any(
            each.offset_ns - each.worst_ns <= low and high <= each.offset_ns + each.worst_ns
            for each in covers
        )
