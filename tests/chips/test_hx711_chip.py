"""The emulated HX711 by its two pins."""

import pytest

from hil_tests.chips import HX711Chip, Load
from tests.chips.clock import TickingClock


class Bench:
    def __init__(self, **chip):
        self.load = Load()
        self.clock = TickingClock()
        self.chip = HX711Chip(self.load, self.clock, **chip)
        self.samples = []
        self.chip.on_sample(self.samples.append)

    def wait(self, conversions=1):
        self.clock.now_us += round(conversions * self.chip.period_us) + 1

    def pulse(self):
        self.chip.clock(1)
        self.chip.clock(0)
        return self.chip.data()

    def read(self, pulses=25):
        code = 0
        for _ in range(24):
            code = code << 1 | self.pulse()
        for _ in range(pulses - 24):
            self.pulse()
        return code - (code >> 23 << 24)

    def settle(self):
        for _ in range(5):
            self.wait()
            self.read()
        return self


def test_data_go_low_when_a_conversion_is_there_and_high_after_the_25th_pulse():
    bench = Bench()
    assert bench.chip.data() == 1
    bench.wait()
    assert bench.chip.data() == 0
    bench.read()
    assert bench.chip.data() == 1


def test_the_oscillator_is_a_little_off_the_nominal_rate():
    bench = Bench()
    for _ in range(1000):
        bench.clock.advance_ms(10)
        bench.chip.data()
    assert len(bench.samples) == 101  # in ten seconds, nominally 100


def test_pulses_before_a_conversion_is_there_do_nothing():
    bench = Bench(zero=5, noise=0)
    for _ in range(7):
        assert bench.pulse() == 1
    bench.settle()
    bench.wait()
    assert bench.read() == 5


def test_the_first_conversions_have_not_settled():
    bench = Bench(zero=40_000, noise=0)
    codes = []
    for _ in range(6):
        bench.wait()
        codes.append(bench.read())
    assert codes[:4] == sorted(codes[:4])
    assert codes[3] < 40_000
    assert codes[4:] == [40_000, 40_000]


@pytest.mark.parametrize(("pulses", "divisor"), [(25, 1), (26, 4), (27, 2)])
def test_pulses_select_the_gain_of_the_next_conversion(pulses, divisor):
    bench = Bench(zero=40_000, noise=0).settle()
    bench.wait()
    assert bench.read(pulses) == 40_000
    for _ in range(5):
        bench.wait()
        code = bench.read(pulses)
    assert code == 40_000 / divisor


@pytest.mark.parametrize(("kilograms", "end"), [(1e6, 0x7FFFFF), (-1e6, -0x800000)])
def test_codes_stop_at_the_ends(kilograms, end):
    bench = Bench().settle()
    bench.load.kilograms = kilograms
    bench.wait()
    assert bench.read() == end


def test_noise_is_the_same_for_the_same_seed():
    def codes(seed):
        bench = Bench(seed=seed).settle()
        out = []
        for _ in range(5):
            bench.wait()
            out.append(bench.read())
        return out

    assert codes(1) == codes(1) != codes(2)


def test_what_nobody_reads_is_replaced_by_the_newest_conversion():
    bench = Bench(zero=0, counts_per_kg=1000, noise=0).settle()
    bench.load.kilograms = 1.0
    bench.wait()
    assert bench.chip.data() == 0
    bench.load.kilograms = 2.0
    bench.wait(3)
    assert bench.read() == 2000
    assert [load.kilograms for load in bench.samples[-2:]] == [1.0, 2.0]


def test_a_conversion_does_not_spoil_a_reading_that_is_going_on():
    bench = Bench(zero=0x2AAAAA, noise=0).settle()
    bench.wait(1.999)
    bench.clock.step_us = 10
    assert bench.read() == 0x2AAAAA


def test_a_power_cycle_goes_back_to_gain_128_and_settles_again():
    bench = Bench(zero=40_000, noise=0).settle()
    for _ in range(6):
        bench.wait()
        bench.read(27)
    bench.chip.power_cycle()
    bench.wait()
    assert bench.read() < 40_000
    bench.settle()
    bench.wait()
    assert bench.read() == 40_000


@pytest.mark.parametrize(("high_us", "sleeps"), [(59, False), (61, True)])
def test_a_pulse_that_is_too_long_sends_it_to_sleep(high_us, sleeps):
    bench = Bench(zero=40_000, noise=0, sleeps_after_us=60).settle()
    bench.wait()
    for _ in range(10):
        bench.pulse()
    bench.chip.clock(1)
    bench.clock.now_us += high_us
    shown = bench.chip.data()
    bench.chip.clock(0)
    assert (shown, bench.chip.data()) == ((1, 1) if sleeps else (0, 0))  # 40_000 begins with zeros
    bench.wait(0.99)
    assert bench.chip.data() == int(sleeps)  # else the reading that was broken off
    bench.wait()
    assert (bench.read() == 40_000) != sleeps  # it has to settle anew


@pytest.mark.parametrize(("line", "level"), [("high", 1), ("low", 0)])
def test_a_broken_data_line_has_one_level(line, level):
    bench = Bench().settle()
    bench.chip.line = line
    bench.wait()
    assert {bench.pulse() for _ in range(25)} == {level}


@pytest.mark.parametrize("pulses", [1, 8, 23, 24, 25, 27])
@pytest.mark.parametrize("first", [0, 3])
def test_pulses_at_once_do_as_one_by_one(pulses, first):
    benches = [Bench(zero=0x2AAAAA, noise=0).settle() for _ in range(2)]
    for bench in benches:
        bench.wait()
        for _ in range(first):
            bench.pulse()
    ahead = benches[0].chip.ahead()
    shown = [benches[0].pulse() for _ in range(pulses)]
    benches[1].chip.pulse(pulses)
    assert benches[1].chip.data() == shown[-1]
    assert ahead[:pulses] == ([] if first else shown)
    for bench in benches:
        bench.wait()
    assert benches[0].read() == benches[1].read()


def test_it_knows_until_when_it_is_not_ready():
    bench = Bench().settle()
    assert bench.chip.data() == 1
    held_us = bench.chip.held_us()
    bench.clock.now_us += held_us - 10
    assert bench.chip.data() == 1
    bench.clock.now_us += 20
    assert bench.chip.data() == 0
    assert bench.chip.held_us() == 0
