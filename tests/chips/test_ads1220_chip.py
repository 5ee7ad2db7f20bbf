"""The emulated ADS1220 by its commands, as the datasheet tells."""

import pytest

from hil_tests.chips import ADS1220Chip, Load
from tests.chips.clock import TickingClock

BRIDGE = (0x0E, 0x00, 0x40, 0x00)  # AIN0/AIN1, gain 128, 20 per second, REFP0/REFN0


class Bench:
    def __init__(self, **chip):
        self.load = Load()
        self.clock = TickingClock()
        self.chip = ADS1220Chip(self.load, self.clock, **{"noise_uv": 0, "offset_uv": 0, **chip})

    def say(self, *octets):
        self.chip.select()
        answer = self.chip.transfer(bytes(octets))
        self.chip.deselect()
        return answer

    def registers(self):
        return tuple(self.say(0x23, 0, 0, 0, 0)[1:])

    def convert(self, *registers):
        self.say(0x43, *(registers or BRIDGE), 0x08)
        self.clock.advance_ms(60)
        assert self.chip.drdy() == 0
        code = int.from_bytes(self.say(0x10, 0, 0, 0)[1:], "big")
        return code - (code >> 23 << 24)


def test_registers_are_empty_after_a_reset_and_read_back_what_was_written():
    bench = Bench()
    assert bench.registers() == (0, 0, 0, 0)
    bench.say(0x43, 1, 2, 3, 4)
    assert bench.registers() == (1, 2, 3, 4)
    bench.say(0x44, 9)
    assert bench.registers() == (1, 9, 3, 4)
    bench.say(0x06)
    assert bench.registers() == (0, 0, 0, 0)


def test_a_command_that_is_cut_off_by_the_select_line_changes_nothing_more():
    bench = Bench()
    bench.say(0x43, 7)
    bench.say(8)
    assert bench.registers() == (7, 0, 0, 0)


@pytest.mark.parametrize(("rate", "ms"), list(enumerate((50.0, 22.3, 11.3, 5.8, 3.07, 1.71, 1.04))))
def test_a_conversion_takes_the_time_of_its_rate(rate, ms):
    bench = Bench(oscillator=1.0)
    bench.say(0x43, 0x0E, rate << 5, 0x40, 0, 0x08)
    bench.clock.advance_ms(ms * 0.98)
    assert bench.chip.drdy() == 1
    bench.clock.advance_ms(ms * 0.04)
    assert bench.chip.drdy() == 0


def test_data_ready_goes_when_the_data_are_read_and_nothing_converts_by_itself():
    bench = Bench()
    bench.convert()
    assert bench.chip.drdy() == 1
    bench.clock.advance_ms(500)
    assert bench.chip.drdy() == 1


def test_in_continuous_mode_it_goes_on():
    bench = Bench()
    bench.say(0x43, 0x0E, 0x04, 0x40, 0, 0x08)
    for _ in range(3):
        bench.clock.advance_ms(51)
        assert bench.chip.drdy() == 0
        bench.say(0x10, 0, 0, 0)
        assert bench.chip.drdy() == 1


def test_a_conversion_takes_the_load_as_it_is_when_it_begins():
    bench = Bench(zero_mv_v=0, mv_v_per_kg=1.0)
    samples = []
    bench.chip.on_sample(samples.append)
    bench.load.kilograms = 1.0
    bench.say(0x43, *BRIDGE, 0x08)
    bench.load.kilograms = 2.0
    bench.clock.advance_ms(60)
    assert int.from_bytes(bench.say(0x10, 0, 0, 0)[1:], "big") == round(0.128 * 0x800000)
    assert [load.kilograms for load in samples] == [1.0]


def test_the_chips_own_reference_and_gain():
    bench = Bench(zero_mv_v=1.0, excitation_v=3.3)
    assert bench.convert(0x00, 0, 0x00, 0) == round(0.0033 / 2.048 * 0x800000)
    assert bench.convert(0x0A, 0, 0x00, 0) == round(0.0033 * 32 / 2.048 * 0x800000)


def test_monitors_of_the_multiplexer():
    bench = Bench(offset_uv=5.0, excitation_v=3.0)
    assert bench.convert(0xC0, 0, 0x40, 0) == pytest.approx(0.75 / 2.048 * 0x800000, rel=1e-4)
    assert abs(bench.convert(0xC0, 0, 0x80, 0)) < 100  # of the other reference, which has no voltage
    assert bench.convert(0xEE, 0, 0, 0) == round(5e-6 * 128 / 2.048 * 0x800000)


def test_the_amplifier_stops_before_its_rails():
    bench = Bench(zero_mv_v=50.0, excitation_v=3.3, supply_v=3.3)
    assert bench.convert() == round(2.9 / 3.3 * 0x800000)
    assert bench.convert(0x0E, 0, 0x00, 0) == 0x7FFFFF


def test_burn_out_currents_add_their_voltage_to_a_whole_bridge_and_drive_an_open_one_to_its_end():
    bench = Bench(zero_mv_v=0, ohms=350.0)
    assert bench.convert(0x0E, 1, 0x40, 0) == round(0.0035 * 128 / 3.3 * 0x800000)
    bench.chip.open_lead = "negative"
    assert bench.convert(0x04, 1, 0x00, 0) == 0x7FFFFF


@pytest.mark.parametrize(("farads", "rate", "volts"), [(1e-6, 0, 0.25), (1e-6, 6, 0.0052), (1e-7, 0, 1.377)])
def test_a_test_current_has_to_charge_the_capacitor_of_an_open_input(farads, rate, volts):
    bench = Bench(farads=farads, excitation_v=3.3, supply_v=3.3)
    bench.chip.open_lead = "positive"
    counts = bench.convert(0x00, rate << 5 | 1, 0x00, 0)
    assert counts / 0x800000 * 2.048 == pytest.approx(volts, rel=0.02)


def test_an_open_input_floats_at_a_number_that_somebody_might_believe():
    bench = Bench()
    bench.chip.open_lead = "positive"
    assert 0 < bench.convert() < 0x7FFFFF


def test_without_excitation_there_is_neither_bridge_nor_reference():
    bench = Bench(offset_uv=5.0)
    bench.chip.open_lead = "excitation"
    assert bench.convert() == 0x7FFFFF
    assert abs(bench.convert(0xC0, 0, 0x40, 0)) < 100


def test_a_brown_out_forgets_everything_without_a_word():
    bench = Bench()
    bench.say(0x43, *BRIDGE, 0x08)
    bench.chip.brown_out()
    bench.clock.advance_ms(100)
    assert bench.chip.drdy() == 1
    assert bench.registers() == (0, 0, 0, 0)


@pytest.mark.parametrize(("missing", "octet"), [("high", 0xFF), ("low", 0x00)])
def test_without_a_chip_the_data_line_has_one_level(missing, octet):
    bench = Bench()
    bench.chip.missing = missing
    assert bench.say(0x23, 0, 0, 0, 0) == bytes((octet,)) * 5
