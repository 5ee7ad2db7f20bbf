"""Time is honest: the simulator's classes of cases, and gateways that are wrong on purpose."""

import dataclasses

import pytest

from gateway.node_clock import Exchange
from hil_tests.counts import COUNTED
from tests.gateway.time_cases import CLASSES
from tests.gateway.time_simulator import COVERAGE, Mistake, simulate

SEED = 20260101
CASES = 90
FEW = 40
RECORDS = 1000  # of a class at the least: fewer prove no share of a hundredth
MS = 1_000_000

# Median uncertainty in milliseconds: honesty is not bought with bounds that are of no use. Where the
# host has an error of its own, most of it is that.
TIGHT_MS = {
    "skew": 2,
    "wander": 2,
    "temperature": 2.5,
    "smear": 4,
    "uart": 2,
    "usb": 2.5,
    "wifi": 6,
    "asymmetry": 5,
    "unknown_baud": 25,
    "ftdi": 18,
    "lost_exchanges": 2.5,
    "cable_away": 2.5,
    "holdover": 20,
    "late_sync": 35,
    "sync_lost": 35,
    "leap_second": 20,
    "slewed": 50,
    "never_synced": 50,
    "witness": 100,
    "gateway_reboots": 25,
    "node_reboots": 2,
    "sleeper": 5000,
    "sleeper_gateway_reboots": 5000,
    "wrap_30": 2,
    "wrap_32": 2,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", CLASSES)
def test_the_true_error_is_within_the_stated_uncertainty_in_99_of_100_records(name, record_property):
    tally = simulate(CLASSES[name], cases=CASES, seed=SEED)
    record_property(COUNTED, f"{len(tally.errors)} records, {tally.coverage():.2%} as stated")
    assert len(tally.errors) >= RECORDS
    assert tally.coverage() >= COVERAGE
    assert tally.early == 0
    assert sorted(tally.stated)[len(tally.stated) // 2] <= TIGHT_MS[name] * MS


def halved(instant):
    return instant._replace(uncertainty_ns=instant.uncertainty_ns // 2)


def without_round_trip(exchange):
    """The same offset, as if the question had taken no time."""
    half_ns = exchange.rtt_ns // 2
    return Exchange(
        t1_ns=exchange.t1_ns + half_ns,
        t2_us=exchange.t2_us,
        t3_us=exchange.t3_us,
        t4_ns=exchange.t4_ns - half_ns,
    )


def taken_for_even(exchange):
    """A line that is believed to take as long one way as the other, but for a tenth."""
    cut_ns = exchange.rtt_ns * 9 // 20
    return Exchange(
        t1_ns=exchange.t1_ns + cut_ns,
        t2_us=exchange.t2_us,
        t3_us=exchange.t3_us,
        t4_ns=exchange.t4_ns - cut_ns,
    )


def vouched_for(reading):
    """STA_UNSYNC is nothing to this gateway."""
    return dataclasses.replace(reading, synchronised=True, uncertainty_ns=5 * MS)


MISTAKES = {
    "half the uncertainty": (Mistake(of_instant=halved), "ftdi"),
    "no round trip": (Mistake(of_exchange=without_round_trip), "ftdi"),
    "an asymmetry unseen": (Mistake(of_exchange=taken_for_even), "asymmetry"),
    "a wall clock believed": (Mistake(of_reading=vouched_for), "late_sync"),
    "deep sleep unseen": (Mistake(of_ppm=lambda _: 0), "sleeper"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_gateway_that_is_wrong_is_caught(name, record_property):
    mistake, of_class = MISTAKES[name]
    tally = simulate(CLASSES[of_class], cases=FEW, seed=SEED, mistake=mistake)
    record_property(COUNTED, f"{len(tally.errors)} records, {tally.coverage():.2%} as stated")
    assert tally.coverage() < COVERAGE


def test_a_wall_clock_of_1970_that_is_believed_would_be_seen():
    tally = simulate(CLASSES["late_sync"], cases=FEW, seed=SEED, mistake=Mistake(of_reading=vouched_for))
    assert tally.early > 0


def test_a_case_is_the_same_again_from_its_seed():
    first, again = (simulate(CLASSES["wifi"], cases=2, seed=7) for _ in range(2))
    other = simulate(CLASSES["wifi"], cases=2, seed=8)
    assert first == again
    assert first != other
