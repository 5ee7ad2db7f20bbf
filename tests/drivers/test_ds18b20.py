"""The driver against the emulated probe: right over its range, and honest when it is not."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ds18b20 import BITS, DS18B20
from drivers.one_wire import Chips
from hil_tests.chips import Air, DS18B20Chip
from hil_tests.chips.ds18b20 import rom_of
from hil_tests.chips.wires import OneWireBus
from tests.chips.clock import TickingClock
from tests.drivers.bench import SensorBench, error_of_opening
from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded
from wire.faults import ABSENT, BUS, CHECKSUM, OUT_OF_RANGE, RESET_VALUE, WRONG_ID, Fault

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ds18b20.json").read_text())
SLOT_MS = 0.07
READING_OCTETS_MOST = 48  # the tuple that read() gives back, and views of the bus


class Bench(SensorBench):
    """Air, a probe in it, and a driver on one pin."""

    def __init__(self, bits=12, others=(), with_rom=True, **air):
        self.air = Air(**air)
        self.clock = TickingClock()
        self.chip = DS18B20Chip(self.air, self.clock)
        self.bus = OneWireBus(self.chip, *others, on_slot=lambda: self.clock.advance_ms(SLOT_MS))
        self.chips = Chips(self.bus)
        self.driver = DS18B20(self.chips, self.chip.rom if with_rom else None, bits)

    def scan(self):
        (item,) = super().scan()
        return item


@settings(max_examples=60)
@given(st.floats(-55, 125), st.sampled_from(sorted(BITS)), st.booleans())
def test_a_reading_is_within_the_resolution_of_the_chip(celsius, bits, with_rom):
    item = Bench(bits, with_rom=with_rom, temperature=celsius).open().scan()
    step = 2.0 ** (8 - bits)
    assert item / 100 == pytest.approx(celsius, abs=step + 0.04)
    assert item / 100 == pytest.approx(round(item / 100 / step) * step, abs=0.0051)


@pytest.mark.parametrize("bits", sorted(BITS))
def test_the_published_time_covers_a_conversion_and_is_not_far_off(bits):
    bench = Bench(bits).open()
    bench.driver.start()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.6)
    assert not bench.driver.ready()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.4)
    assert bench.driver.ready()


def test_wrong_bits_and_a_mistyped_rom_are_refused():
    with pytest.raises(ValueError, match="bits 13"):
        DS18B20(None, None, 13)
    with pytest.raises(ValueError, match="rom 2800000000000000 has a wrong check octet: mistyped"):
        DS18B20(None, bytes.fromhex("2800000000000000"))


@pytest.mark.parametrize("celsius", [-56.0, 126.0])
def test_what_the_datasheet_does_not_allow_is_missing_and_not_clamped(celsius):
    assert Bench(temperature=celsius).open().scan() is OUT_OF_RANGE


def test_a_conversion_that_failed_is_no_128_degrees():
    bench = Bench().open()
    bench.chip.fails = True
    assert bench.scan() is OUT_OF_RANGE


@pytest.mark.parametrize("with_rom", [False, True])
def test_an_absent_probe_is_named(with_rom):
    bench = Bench(with_rom=with_rom)
    bench.chip.gone = True
    assert error_of_opening(bench).fault is ABSENT


def test_a_probe_that_is_not_among_the_others_is_absent():
    other = DS18B20Chip(Air(), TickingClock())
    bench = Bench(others=[other])
    bench.chip.gone = True
    error = error_of_opening(bench)
    assert error.fault is ABSENT
    assert f"{bench.chip.rom.hex()} does not answer" in str(error)


@pytest.mark.parametrize("with_rom", [False, True])
def test_a_line_that_is_held_low_is_no_zero_degrees(with_rom):
    bench = Bench(with_rom=with_rom)
    bench.chip.shorted = True
    error = error_of_opening(bench)
    assert error.fault is BUS
    assert "held low" in str(error)
    bench.chip.shorted = False
    bench.open()
    bench.driver.start()
    bench.clock.advance_ms(750)
    bench.chip.shorted = True
    with pytest.raises(OSError, match="held low"):
        bench.driver.read()


def test_parasite_power_is_refused_by_name():
    bench = Bench()
    bench.chip.parasite = True
    error = error_of_opening(bench)
    assert error.fault is BUS
    assert "has parasite power: connect its VDD" in str(error)


def test_another_family_is_named():
    bench = Bench(with_rom=False)
    bench.chip.rom = rom_of(0x1234, family=0x10)
    error = error_of_opening(bench)
    assert error.fault is WRONG_ID
    assert "is of another family" in str(error)


def test_a_copy_without_the_resolution_that_is_wanted_is_named():
    bench = Bench(bits=9)
    bench.chip.copy = True
    error = error_of_opening(bench)
    assert error.fault is WRONG_ID
    assert "a copy of a DS18B20" in str(error)


@pytest.mark.parametrize("moment", ["before", "within"])
@pytest.mark.parametrize("celsius", [20.0, 85.0])
def test_a_brown_out_is_noticed_until_the_probe_is_opened_afresh(moment, celsius):
    bench = Bench(temperature=celsius).open()
    assert bench.scan() == 100 * celsius
    if moment == "before":
        bench.chip.brown_out()
        bench.driver.start()
    else:
        bench.driver.start()
        bench.chip.brown_out()
    bench.clock.advance_ms(750)
    assert bench.driver.read() == (RESET_VALUE,)
    assert bench.scan() is RESET_VALUE
    assert bench.open().scan() == 100 * celsius


def test_an_eeprom_that_holds_the_last_mark_does_not_hide_a_brown_out():
    bench = Bench().open()
    bench.chips.tell(bench.chip.rom, 0x48)  # somebody copies the alarms to EEPROM
    bench.open()
    bench.chip.brown_out()
    bench.driver.start()
    bench.clock.advance_ms(750)
    assert bench.driver.read() == (RESET_VALUE,)


def test_a_true_85_degrees_is_a_reading():
    assert Bench(temperature=85.0).open().scan() == 8500


def test_85_degrees_that_were_there_before_the_conversion_are_none():
    """A copy that lost its power but kept its settings: only a reserved octet tells."""
    bench = Bench().open()
    bench.chip.brown_out(keeps_settings=True)
    bench.chip.barren = True
    assert bench.scan() is RESET_VALUE


def test_a_probe_that_begins_no_conversion_gives_no_old_number():
    bench = Bench().open()
    bench.scan()
    bench.chip.deaf = True
    with pytest.raises(OSError, match="no conversion began"):
        bench.driver.start()


def test_a_conversion_that_does_not_end_is_never_ready():
    bench = Bench().open()
    bench.chip.conversion_us = 10**9
    bench.driver.start()
    bench.clock.advance_ms(2000)
    assert not bench.driver.ready()


@pytest.mark.parametrize("bit", range(72))
def test_a_flipped_bit_is_never_a_number(bit):
    bench = Bench().open()
    bench.driver.start()
    bench.clock.advance_ms(750)
    bench.chip.flipped = bit
    assert bench.driver.read() == (CHECKSUM,)


def test_a_flipped_bit_while_opening_is_named():
    bench = Bench()
    bench.chip.flipped = 3
    assert error_of_opening(bench).fault is CHECKSUM


@pytest.mark.parametrize("operation", ["start", "read"])
def test_a_probe_that_is_cut_off_later_raises(operation):
    bench = Bench().open()
    bench.driver.start()
    bench.chip.gone = True
    with pytest.raises(OSError, match="no presence"):
        getattr(bench.driver, operation)()


@given(st.binary(min_size=9, max_size=9))
def test_any_octets_give_a_fault_a_temperature_or_an_error_of_the_bus(octets):
    bench = Bench().open()
    bench.bus.readinto = lambda buf: buf.__setitem__(slice(None), octets)
    try:
        (item,) = bench.driver.read()
    except OSError:
        return
    assert isinstance(item, Fault) or -5500 <= item <= 12500


def test_scratchpads_become_temperatures_or_named_faults(runtime):
    cases = VECTORS["scratchpads"]
    got = runtime.values(
        "drivers.ds18b20:decode", [[{"hex": each["octets"]}, each["undefined"]] for each in cases]
    )
    assert got == [decoded(each["expected"]) for each in cases]


def test_check_octets_are_those_of_the_datasheets(runtime):
    cases = VECTORS["check_octets"]
    got = runtime.values("drivers.one_wire:crc8", [[{"hex": each["octets"]}] for each in cases])
    assert got == [each["check"] for each in cases]


def test_a_reading_takes_little_heap():
    (octets,) = micropython_32_bit().values("tests.drivers.on_both:octets_of_reading_ds18b20", [[]])
    assert 0 <= octets <= READING_OCTETS_MOST
