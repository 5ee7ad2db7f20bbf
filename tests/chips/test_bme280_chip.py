"""The emulated BME280 by its registers, as the datasheet tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil_tests.chips import Air, BME280Chip, Nack
from hil_tests.chips.bme280 import nearest
from hil_tests.chips.bme280_formula import EXAMPLE
from tests.chips.clock import TickingClock

FORCED_X1 = 0x25


class Bench:
    def __init__(self):
        self.air = Air()
        self.clock = TickingClock()
        self.chip = BME280Chip(self.air, self.clock)
        self.samples = []
        self.chip.on_sample(self.samples.append)
        self.clock.advance_ms(2)

    def registers(self, first, n=1):
        self.chip.write(bytes((first,)))
        return self.chip.read(n)

    def set(self, *pairs):
        self.chip.write(bytes(pairs))

    def codes(self):
        octets = self.registers(0xF7, 8)
        return (
            int.from_bytes(octets[3:6], "big") >> 4,
            int.from_bytes(octets[0:3], "big") >> 4,
            int.from_bytes(octets[6:8], "big"),
        )

    def convert(self, ctrl_hum=1, ctrl_meas=FORCED_X1):
        self.set(0xF2, ctrl_hum, 0xF4, ctrl_meas)
        self.clock.advance_ms(120)
        return self.codes()


def test_trim_is_in_its_registers_two_milliseconds_after_a_reset():
    bench = Bench()
    bench.set(0xE0, 0xB6)
    assert bench.registers(0xF3) == b"\x01"
    assert bench.registers(0x88, 2) == b"\x00\x00"
    bench.clock.advance_ms(2)
    assert bench.registers(0xF3) == b"\x00"
    assert int.from_bytes(bench.registers(0x88, 2), "little") == EXAMPLE.t1
    assert bench.registers(0xD0) == b"\x60"


def test_another_word_than_that_of_the_reset_resets_nothing():
    bench = Bench()
    bench.set(0xF2, 5, 0xE0, 0xB5)
    assert bench.registers(0xF2) == b"\x05"


def test_data_have_their_reset_values_until_the_first_conversion():
    assert Bench().codes() == (0x80000, 0x80000, 0x8000)


def test_a_forced_conversion_takes_its_time_and_ends_in_sleep():
    bench = Bench()
    bench.set(0xF2, 1, 0xF4, FORCED_X1)
    assert bench.registers(0xF3) == b"\x08"
    bench.clock.advance_ms(7.9)
    assert bench.codes() == (0x80000, 0x80000, 0x8000)
    bench.clock.advance_ms(0.2)
    assert bench.registers(0xF3, 2) == b"\x00\x24"
    assert bench.codes()[0] == pytest.approx(nearest(EXAMPLE.celsius, 12.5, 1), abs=8)


def test_a_conversion_takes_the_air_as_it_is_when_it_begins():
    bench = Bench()
    bench.air.temperature = 3.0
    bench.set(0xF2, 1, 0xF4, FORCED_X1)
    bench.air.temperature = 30.0
    bench.clock.advance_ms(10)
    assert EXAMPLE.celsius(bench.codes()[0]) == pytest.approx(3.0, abs=0.003)
    assert [air.temperature for air in bench.samples] == [3.0]


def test_skipped_channels_keep_their_reset_values():
    t, p, h = Bench().convert(ctrl_hum=0, ctrl_meas=0x21)
    assert t != 0x80000
    assert (p, h) == (0x80000, 0x8000)


def test_humidity_settings_count_from_the_next_write_to_ctrl_meas():
    bench = Bench()
    bench.set(0xF4, FORCED_X1)
    bench.set(0xF2, 1)
    bench.clock.advance_ms(10)
    assert bench.codes()[2] == 0x8000
    bench.set(0xF4, FORCED_X1)
    bench.clock.advance_ms(10)
    assert bench.codes()[2] != 0x8000


def test_config_is_not_heeded_in_normal_mode_which_goes_on_converting():
    bench = Bench()
    bench.set(0xF5, 0x20, 0xF2, 1, 0xF4, 0x27)
    bench.set(0xF5, 0xFC)
    assert bench.registers(0xF5) == b"\x20"
    for _ in range(3):
        bench.clock.advance_ms(80)
        bench.codes()
    assert len(bench.samples) == 3


@pytest.mark.parametrize(("code", "low_bits"), [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)])
def test_oversampling_adds_a_bit_of_resolution_each_time(code, low_bits):
    bench = Bench()
    seen = 0
    for step in range(40):
        bench.air.temperature = 10 + step * 0.0131
        seen |= bench.convert(ctrl_meas=code << 5 | code << 2 | 1)[0]
    assert seen & (1 << low_bits) - 1 == 0
    assert seen >> low_bits & 1


@given(st.floats(-40, 85), st.floats(0, 100), st.floats(30_000, 110_000))
def test_codes_are_the_inverse_of_the_datasheets_formulas(temperature, humidity, pressure):
    bench = Bench()
    bench.air.temperature, bench.air.humidity, bench.air.pressure = temperature, humidity, pressure
    t, p, h = bench.convert(ctrl_hum=5, ctrl_meas=0xB5)
    t_fine = EXAMPLE.t_fine(t)
    assert EXAMPLE.celsius(t) == pytest.approx(temperature, abs=0.0002)
    assert EXAMPLE.pascal(p, t_fine) == pytest.approx(pressure, abs=0.2)
    assert EXAMPLE.percent(h, t_fine) == pytest.approx(humidity, abs=0.01)


def test_a_brown_out_forgets_settings_and_data_without_a_word():
    bench = Bench()
    bench.convert()
    bench.chip.brown_out()
    bench.clock.advance_ms(5)
    assert bench.registers(0xF2, 4) == bytes(4)
    assert bench.codes() == (0x80000, 0x80000, 0x8000)


def test_a_chip_that_is_told_to_nack_answers_nothing():
    bench = Bench()
    bench.chip.nacks = True
    with pytest.raises(Nack):
        bench.chip.write(b"\xd0")
    with pytest.raises(Nack):
        bench.chip.read(1)


def test_the_formulas_are_those_of_the_datasheets_example():
    assert EXAMPLE.celsius(519888) == pytest.approx(25.08, abs=0.005)
    assert EXAMPLE.pascal(415148, EXAMPLE.t_fine(519888)) == pytest.approx(100653.27, abs=0.005)
