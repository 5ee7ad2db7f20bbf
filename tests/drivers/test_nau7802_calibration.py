"""The chip's calibration of its own offset: found once, kept through brown-outs, given up when it fails."""

import pytest

from drivers.errors import SensorError
from drivers.nau7802 import AFE_OCTETS, CALIBRATION_SCANS, NAU7802, RATES, SETTLE_CONVERSIONS
from tests.drivers.nau7802_bench import Bench
from wire.faults import NOT_READY, RESET_VALUE


def test_the_chips_own_offset_is_calibrated_away():
    bench = Bench(noise=0, offset=90_000.0, calibration_sigma=100.0, zero=0).open()
    assert abs(bench.next()) < 600
    assert len(bench.driver.afe) == AFE_OCTETS


def test_each_calibration_of_the_chip_finds_another_offset():
    seen = []
    bench = Bench(noise=0)
    for _ in range(3):
        bench.chip.brown_out()
        bench.driver = NAU7802(bench.bus)
        seen.append(bench.open().next())
    assert len(set(seen)) == 3


def test_a_brown_out_makes_no_step_in_the_readings():
    bench = Bench(noise=0).open()
    before = bench.next()
    found = bench.driver.afe
    bench.chip.brown_out()
    bench.driver.start()
    assert bench.driver.ready()
    assert bench.driver.read() == (RESET_VALUE,)
    assert bench.next() is RESET_VALUE
    assert bench.open().next() == before
    assert bench.driver.afe == found


def test_a_calibration_from_the_settings_spares_the_chip_its_own():
    first = Bench(noise=0).open()
    expected = first.next()
    second = Bench(noise=0, seed=9, afe=first.driver.afe).open()
    assert second.next() == expected


def test_a_load_is_no_offset():
    """Calibration shorts the input: what hangs on the bridge meanwhile is not taken for zero."""
    bench = Bench(noise=0, calibration_sigma=0, zero=0)
    bench.load.kilograms = 7.0
    assert bench.open().next() == pytest.approx(140_000, abs=1)


@pytest.mark.parametrize("rate", sorted(RATES))
def test_nothing_is_given_out_before_regulator_and_filter_have_settled(rate):
    bench = Bench(rate=rate, noise=0, calibration_sigma=0, zero=40_000).open()
    begun_us = bench.clock.now_us
    assert bench.next() == pytest.approx(40_000, abs=1)
    assert bench.clock.now_us - begun_us >= 250_000 + 344_000 + (SETTLE_CONVERSIONS - 1) * 1e6 / rate / 1.01


def test_a_failed_calibration_is_a_fault_until_the_chip_is_opened_afresh():
    bench = Bench(noise=0).open()
    bench.chip.cal_fails = True
    for _ in range(3):
        with pytest.raises(SensorError, match="checksum: the chip could not calibrate"):
            bench.next()
    assert bench.driver.afe is None
    bench.chip.cal_fails = False
    assert isinstance(bench.open().next(), int)


def test_a_calibration_that_does_not_end_is_given_up():
    bench = Bench(noise=0).open()
    bench.chip.cal_hangs = True
    assert [bench.next() for _ in range(3)] == [NOT_READY] * 3
    bench.chip.cal_hangs = False
    assert isinstance(bench.open().next(), int)


def test_the_limit_of_a_calibration_is_above_its_time_at_the_fastest_pace():
    assert CALIBRATION_SCANS * 10 > 2 * 344
