"""The driver against the emulated converter: every count right, and every disturbance named."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codes import STUCK_CONVERSIONS
from drivers.hx711 import HX711, SETTLE_CONVERSIONS
from drivers.hx711_spi import SpiClock
from hil_tests.chips import HX711Chip, Load
from hil_tests.chips.wires import ClockedBySpi, ClockPin, DataPin
from tests.chips.clock import TickingClock
from wire.faults import CHECKSUM, NOT_READY, SATURATED, STUCK, UNSETTLED, Fault


class Bench:
    """A bridge, its converter and a driver on two pins."""

    def __init__(self, gain=128, guard=None, by_spi=False, **chip):
        self.load = Load()
        self.clock = TickingClock()
        self.chip = HX711Chip(self.load, self.clock, **chip)
        if by_spi:
            clock = SpiClock(ClockedBySpi(self.chip))
            self.driver = HX711(clock, DataPin(self.chip), gain, shift=clock.shift)
        else:
            self.driver = HX711(ClockPin(self.chip), DataPin(self.chip), gain, guard)
        self.driver.open()

    def next(self):
        self.clock.advance_ms(self.chip.period_us / 1000 + 0.001)
        self.driver.start()
        assert self.driver.ready()
        (item,) = self.driver.read()
        return item

    def settle(self):
        while self.next() is UNSETTLED:
            pass
        return self


@pytest.fixture(params=["pins", "spi"])
def new(request):
    """Makes a bench, clocked in each of the two ways."""
    return partial(Bench, by_spi=request.param == "spi")


@given(st.floats(-400, 400), st.floats(-1e6, 1e6), st.integers(0, 100), st.booleans())
def test_counts_follow_the_load_within_the_noise(kilograms, zero, seed, by_spi):
    bench = Bench(by_spi=by_spi, zero=zero, counts_per_kg=15_000.0, noise=20.0, seed=seed).settle()
    bench.load.kilograms = kilograms
    assert bench.next() == pytest.approx(zero + 15_000 * kilograms, abs=20 * 6)


@given(st.integers(-0x7FFFFF, 0x7FFFFE), st.booleans(), st.booleans())
def test_without_noise_every_count_is_exact(counts, guarded, by_spi):
    bench = Bench(guard=CountingGuard() if guarded else None, by_spi=by_spi, zero=counts, noise=0)
    bench.settle()
    assert bench.next() == counts


@pytest.mark.parametrize(("gain", "divisor"), [(128, 1), (64, 2), (32, 4)])
def test_gain_is_selected_for_the_conversions_to_come(new, gain, divisor):
    bench = new(gain, zero=40_000, noise=0).settle()
    assert bench.next() == 40_000 / divisor


@pytest.mark.parametrize(("gain", "expected"), [(128, SETTLE_CONVERSIONS), (64, SETTLE_CONVERSIONS + 1)])
def test_conversions_before_the_filter_has_settled_are_not_given_out(new, gain, expected):
    bench = new(gain, zero=40_000, noise=0)
    items = [bench.next() for _ in range(expected + 1)]
    assert items[:-1] == [UNSETTLED] * expected
    assert items[-1] == 40_000 * gain / 128


def test_a_wrong_gain_is_refused(new):
    with pytest.raises(ValueError, match="gain 100"):
        new(gain=100)


def test_reading_before_a_conversion_is_there_is_no_reading(new):
    bench = new().settle()
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,)
    assert isinstance(bench.next(), int)


@pytest.mark.parametrize("kilograms", [1000.0, -1000.0])
def test_an_input_out_of_range_is_a_fault_and_no_end_value(new, kilograms):
    bench = new().settle()
    bench.load.kilograms = kilograms
    assert bench.next() is SATURATED


def test_a_data_line_that_floats_is_never_ready(new):
    bench = new().settle()
    bench.chip.line = "high"
    bench.clock.advance_ms(1000)
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,)


def test_a_shorted_data_line_is_no_zero(new):
    bench = new().settle()
    bench.chip.line = "low"
    assert [bench.next() for _ in range(3)] == [CHECKSUM] * 3


def test_lost_pulses_are_noticed_and_the_converter_settles_again(new):
    bench = new(zero=40_000, noise=0).settle()
    bench.chip.deaf_pulses = 3
    assert bench.next() is CHECKSUM
    assert [bench.next() for _ in range(5)] == [UNSETTLED] * SETTLE_CONVERSIONS + [40_000]


def test_the_same_code_for_longer_than_noise_allows_is_stuck_until_it_moves(new):
    bench = new(zero=40_000, noise=0).settle()
    items = [bench.next() for _ in range(STUCK_CONVERSIONS)]
    assert items[-1] is STUCK
    assert items[0] == 40_000
    bench.load.kilograms = 1.0
    assert bench.next() == 60_000


def test_a_noisy_converter_is_not_stuck(new):
    bench = new().settle()
    assert not any(isinstance(bench.next(), Fault) for _ in range(200))


class CountingGuard:
    """Interrupts that are off between disable and enable."""

    def __init__(self):
        self.off = False
        self.windows = 0

    def disable(self):
        assert not self.off
        self.off = True
        self.windows += 1
        return 7

    def enable(self, state):
        assert self.off
        assert state == 7
        self.off = False


def test_interrupts_are_kept_away_for_each_high_pulse_and_no_longer():
    guard = CountingGuard()
    bench = Bench(guard=guard)
    high_while_on = []
    true_clock = bench.chip.clock

    def clock(level):
        high_while_on.append(not guard.off)
        true_clock(level)

    bench.chip.clock = clock
    bench.next()
    assert guard.windows == 25
    assert not any(high_while_on)
    assert not guard.off


def test_by_spi_a_reading_is_one_transfer_and_the_clock_rests_low():
    bench = Bench(by_spi=True).settle()
    levels = []
    true_clock = bench.chip.clock
    bench.chip.clock = lambda level: levels.append(level) or true_clock(level)
    bench.next()
    assert levels[-1] == 0
    assert sum(levels) == 25
    assert max(len(high) for high in "".join(map(str, levels)).split("0")) == 1  # no pulse of two bits
