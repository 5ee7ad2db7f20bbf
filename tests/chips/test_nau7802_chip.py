"""The emulated NAU7802 by its registers, as the datasheet tells."""

import pytest

from hil_tests.chips import Load, Nack, NAU7802Chip
from tests.chips.clock import TickingClock

RUN = 0x96  # digital, analog, conversions, regulator


class Bench:
    def __init__(self, **chip):
        self.load = Load()
        self.clock = TickingClock()
        self.chip = NAU7802Chip(self.load, self.clock, **chip)

    def get(self, register, n=1):
        self.chip.write(bytes((register,)))
        return int.from_bytes(self.chip.read(n), "big")

    def set(self, register, *octets):
        self.chip.write(bytes((register, *octets)))

    def run(self, ctrl1=0x2F, ctrl2=0x30):
        self.set(0x00, 0x02)
        self.clock.advance_ms(1)
        self.set(0x01, ctrl1, ctrl2)
        self.set(0x00, RUN)
        return self

    def codes(self, n):
        out = []
        for _ in range(n):
            self.clock.now_us += round(self.chip.period_us)
            code = self.get(0x12, 3)
            out.append(code - (code >> 23 << 24))
        return out

    def settle(self):
        self.clock.advance_ms(250)
        self.codes(6)
        return self

    def calibrate(self):
        self.set(0x02, 0x34)
        self.clock.advance_ms(345)
        self.get(0x02)
        return self


def test_power_is_up_a_moment_after_it_is_asked_for():
    bench = Bench()
    bench.set(0x00, 0x02)
    assert bench.get(0x00) == 0x02
    bench.clock.advance_ms(0.2)
    assert bench.get(0x00) == 0x0A


def test_registers_have_their_defaults_after_a_reset():
    bench = Bench().run().settle().calibrate()
    bench.set(0x00, 0x01)
    assert bench.get(0x00, 10) == 0x01_00_00_000000_00800000  # the reset bit stays until it is cleared
    assert bench.get(0x1F) == 0x0F


def test_nothing_converts_before_it_is_started():
    bench = Bench()
    bench.set(0x00, 0x06)
    bench.clock.advance_ms(500)
    assert bench.get(0x00) & 0x20 == 0
    bench.set(0x00, 0x16)
    bench.clock.advance_ms(101)
    assert bench.get(0x00) & 0x20


def test_a_conversion_is_ready_until_its_data_are_read():
    bench = Bench().run().settle()
    assert bench.chip.drdy() == 0
    bench.clock.now_us += round(bench.chip.period_us)
    assert bench.chip.drdy() == 1
    assert bench.get(0x00) & 0x20
    bench.get(0x12, 3)
    assert bench.chip.drdy() == 0
    assert bench.get(0x00) & 0x20 == 0


@pytest.mark.parametrize(("code", "sps"), [(0, 10), (1, 20), (2, 40), (3, 80), (7, 320)])
def test_the_rate_is_nominally_that_of_its_code(code, sps):
    bench = Bench(oscillator=1.0)
    bench.run(ctrl2=code << 4)
    samples = []
    bench.chip.on_sample(samples.append)
    for _ in range(2000):
        bench.clock.advance_ms(1)
        bench.chip.drdy()
    assert len(samples) == pytest.approx(2 * sps, abs=1)


def test_conversions_settle_and_the_regulator_takes_its_time():
    bench = Bench(zero=40_000, offset=0, noise=0).run()
    codes = bench.codes(30)
    assert codes[0] < codes[1] < codes[2] < 40_000
    assert codes[-1] == 40_000
    assert codes[15] < 30_000  # at 190 ms


def test_gain_multiplies_the_bridge_and_the_chips_own_offset():
    at_128 = Bench(zero=40_000, offset=3200, noise=0).run(ctrl1=0x2F).settle().codes(1)
    at_16 = Bench(zero=40_000, offset=3200, noise=0).run(ctrl1=0x2C).settle().codes(1)
    assert (at_128, at_16) == ([43_200], [5_400])


def test_a_calibration_takes_its_time_and_removes_the_offset_but_for_its_error():
    bench = Bench(zero=1000, offset=-50_000, noise=0, calibration_sigma=100).run().settle()
    bench.set(0x02, 0x34)
    bench.clock.advance_ms(340)
    assert bench.get(0x02) == 0x34
    bench.clock.advance_ms(5)
    assert bench.get(0x02) == 0x30
    ocal = bench.get(0x03, 3)
    assert ocal >> 23 == 1  # negative, by a bit of its own
    assert ocal & 0x7FFFFF == pytest.approx(50_000, abs=500)
    bench.settle()
    assert bench.codes(1)[0] == pytest.approx(1000, abs=500)


def test_two_calibrations_differ_and_a_written_one_is_in_force():
    bench = Bench(zero=0, noise=0).run().settle()
    first = bench.calibrate().get(0x03, 3)
    code = bench.settle().codes(1)
    assert bench.calibrate().get(0x03, 3) != first
    bench.set(0x03, *first.to_bytes(3, "big"))
    assert bench.settle().codes(1) == code


def test_the_calibrated_gain_multiplies():
    bench = Bench(zero=40_000, offset=0, noise=0).run().settle()
    bench.set(0x06, 0x00, 0xC0, 0x00, 0x00)
    assert bench.codes(1) == [60_000]


def test_a_failed_calibration_sets_its_bit_and_leaves_the_registers():
    bench = Bench().run().settle()
    bench.chip.cal_fails = True
    bench.calibrate()
    assert bench.get(0x02, 4) == 0x38_000000


@pytest.mark.parametrize(("kilograms", "end"), [(1e6, 0x7FFFFF), (-1e6, -0x800000)])
def test_codes_stop_at_the_ends(kilograms, end):
    bench = Bench().run().settle()
    bench.load.kilograms = kilograms
    assert bench.codes(1) == [end]


def test_the_offset_is_taken_off_a_conversion_that_has_stopped_at_its_end():
    bench = Bench(noise=0).run().settle()
    bench.set(0x03, 0x00, 0x10, 0x00)
    bench.load.kilograms = 1e6
    assert bench.codes(1) == [0x7FFFFF - 0x1000]


def test_a_brown_out_forgets_everything_without_a_word():
    bench = Bench().run().settle().calibrate()
    bench.chip.brown_out()
    bench.clock.advance_ms(500)
    assert bench.get(0x00, 6) == 0


def test_a_chip_that_is_told_to_nack_answers_nothing():
    bench = Bench()
    bench.chip.nacks = True
    with pytest.raises(Nack):
        bench.chip.write(b"\x00")
    with pytest.raises(Nack):
        bench.chip.read(1)
