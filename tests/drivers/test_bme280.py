"""The driver against the emulated chip: right over the whole range, and honest when it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bme280 import BME280, OVERSAMPLINGS, RESET_POLLS
from drivers.errors import SensorError
from hil_tests.chips import Air, BME280Chip
from hil_tests.chips.bme280_formula import EXAMPLE
from hil_tests.chips.wires import Bus
from tests.chips.clock import TickingClock
from tests.drivers.bench import SensorBench, error_of_opening
from wire.faults import (
    ABSENT,
    BUS,
    CHECKSUM,
    NOT_READY,
    OUT_OF_RANGE,
    RESET_VALUE,
    UNSETTLED,
    WRONG_ID,
    Fault,
)

I2C_US = 100  # one short transaction at 400 kHz


class Bench(SensorBench):
    """A chip, its air and a driver on one bus."""

    def __init__(self, oversampling=1, **air):
        self.air = Air(**air)
        self.clock = TickingClock(I2C_US)
        self.chip = BME280Chip(self.air, self.clock)
        self.bus = Bus(self.chip)
        self.driver = BME280(self.bus, oversampling=oversampling)

    def settle(self):
        self.open()
        assert self.scan() == (UNSETTLED,) * 3
        return self


def is_the_air(items):
    """Whether the items are the default air, within the resolution of the chip."""
    return items == (1250, 6000, pytest.approx(100_800, abs=2))


temperatures = st.floats(-39.9, 84.9)
humidities = st.floats(0, 100)
pressures = st.floats(30_010, 109_990)


@given(temperatures, humidities, pressures, st.sampled_from(OVERSAMPLINGS))
def test_a_reading_is_within_the_resolution_of_the_chip(temperature, humidity, pressure, oversampling):
    bench = Bench(oversampling, temperature=temperature, humidity=humidity, pressure=pressure).settle()
    centi_c, centi_rh, pa = bench.scan()
    # Half a code of 16 bits, half of the last place, and what the integer formulas round away.
    if centi_c is RESET_VALUE:
        assert temperature == pytest.approx(EXAMPLE.celsius(0x80000), abs=0.004)
        return
    assert centi_c / 100 == pytest.approx(temperature, abs=0.0026 + 0.005 + 0.004)
    t_fine = 5120 * temperature
    if centi_rh is RESET_VALUE:
        assert humidity == pytest.approx(EXAMPLE.percent(0x8000, t_fine), abs=0.02)
    else:
        assert centi_rh / 100 == pytest.approx(humidity, abs=0.006 + 0.005 + 0.01)
    if pa is RESET_VALUE:
        assert pressure == pytest.approx(EXAMPLE.pascal(0x80000, t_fine), abs=4)
    else:
        assert pa == pytest.approx(pressure, abs=1.6 + 0.5 + 0.5)


def test_the_first_reading_after_opening_is_not_given_out():
    bench = Bench()
    bench.driver.open()
    assert bench.scan() == (UNSETTLED,) * 3
    assert is_the_air(bench.scan())


@pytest.mark.parametrize("oversampling", OVERSAMPLINGS)
def test_the_published_time_covers_a_conversion_and_is_not_far_off(oversampling):
    bench = Bench(oversampling).settle()
    bench.driver.start()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.6)
    assert not bench.driver.ready()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.4)
    assert bench.driver.ready()


def test_reading_before_the_conversion_is_over_is_no_reading():
    bench = Bench().settle()
    bench.driver.start()
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,) * 3


def test_a_wrong_oversampling_is_refused():
    with pytest.raises(ValueError, match="oversampling 3"):
        BME280(Bus(), oversampling=3)


@pytest.mark.parametrize(
    ("air", "expected"),
    [
        ({"temperature": -41.0}, (OUT_OF_RANGE,) * 3),
        ({"temperature": 86.0}, (OUT_OF_RANGE,) * 3),
        ({"humidity": 105.0}, (1250, OUT_OF_RANGE, pytest.approx(100_800, abs=2))),
        ({"pressure": 29_000.0}, (1250, 6000, OUT_OF_RANGE)),
        ({"pressure": 112_000.0}, (1250, 6000, OUT_OF_RANGE)),
    ],
)
def test_what_the_datasheet_does_not_allow_is_missing_and_not_clamped(air, expected):
    assert Bench(**air).settle().scan() == expected


def test_fog_reads_as_a_little_over_100_percent():
    _, centi_rh, _ = Bench(humidity=101.2).settle().scan()
    assert centi_rh == pytest.approx(10120, abs=2)


def test_an_absent_chip_is_named():
    bench = Bench()
    bench.chip.nacks = True
    assert error_of_opening(bench).fault is ABSENT


@pytest.mark.parametrize(("chip_id", "words"), [(0x58, "a BMP280 at 0x76"), (0xFF, "chip id 0xff")])
def test_another_chip_is_named(chip_id, words):
    bench = Bench()
    bench.chip.chip_id = chip_id
    error = error_of_opening(bench)
    assert error.fault is WRONG_ID
    assert words in str(error)


def test_a_chip_without_trim_is_refused():
    bench = Bench()
    bench.chip.trim = type("Blank", (), {"registers": lambda self: {}})()
    assert error_of_opening(bench).fault is RESET_VALUE


def test_a_reset_that_does_not_end_is_given_up_after_a_bounded_number_of_polls():
    bench = Bench()
    bench.clock.step_us = 0
    assert error_of_opening(bench).fault is NOT_READY
    assert 2 * RESET_POLLS < bench.bus.transactions < 2 * RESET_POLLS + 5  # a register, its octet


def test_a_chip_that_answers_its_id_and_then_no_more_is_a_fault_of_the_bus():
    bench = Bench()

    class CutAfterTheId(Bus):
        def writeto_mem(self, addr, memaddr, buf):
            raise OSError(110)

    bench.driver = BME280(CutAfterTheId(bench.chip))
    assert error_of_opening(bench).fault is BUS


@pytest.mark.parametrize("operation", ["start", "ready", "read"])
def test_a_bus_that_fails_later_raises(operation):
    bench = Bench().settle()
    bench.chip.nacks = True
    with pytest.raises(OSError, match="no acknowledge"):
        getattr(bench.driver, operation)()


def test_a_chip_that_stops_converting_is_never_ready_and_gives_no_old_numbers():
    bench = Bench().settle()
    bench.scan()
    bench.chip.frozen = True
    bench.driver.start()
    bench.clock.advance_ms(1000)
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,) * 3


@pytest.mark.parametrize("moment", ["between scans", "during a conversion"])
def test_a_brown_out_is_noticed_until_the_chip_is_opened_afresh(moment):
    bench = Bench().settle()
    bench.scan()
    if moment == "between scans":
        bench.chip.brown_out()
        bench.clock.advance_ms(1000)
        assert bench.scan() == (RESET_VALUE,) * 3
    else:
        bench.driver.start()
        bench.chip.brown_out()
        bench.clock.advance_ms(1000)
        assert bench.driver.read() == (RESET_VALUE,) * 3
    assert bench.scan() == (RESET_VALUE,) * 3
    assert bench.open().scan() == (UNSETTLED,) * 3
    assert is_the_air(bench.scan())


@pytest.mark.parametrize("bit", range(104))
def test_a_bit_that_flips_on_the_bus_gives_no_number(bit):
    bench = Bench().settle()
    true_read = bench.bus.readfrom_mem_into

    def flips_once(addr, memaddr, buf):
        true_read(addr, memaddr, buf)
        if memaddr == 0xF2:
            buf[bit >> 3] ^= 1 << (bit & 7)
            bench.bus.readfrom_mem_into = true_read

    bench.bus.readfrom_mem_into = flips_once
    assert bench.scan() == (CHECKSUM,) * 3
    assert is_the_air(bench.scan())


def test_trim_that_was_read_wrong_is_found_before_any_reading_counts():
    bench = Bench()
    true_read = bench.bus.readfrom_mem_into

    def torn_once(addr, memaddr, buf):
        true_read(addr, memaddr, buf)
        if memaddr == 0x88:
            buf[5] ^= 0x10
            bench.bus.readfrom_mem_into = true_read

    bench.bus.readfrom_mem_into = torn_once
    bench.driver.open()
    for _ in range(3):
        with pytest.raises(SensorError, match="checksum: the trim at 0x76 was read in two ways"):
            bench.scan()
    assert bench.open().scan() == (UNSETTLED,) * 3
    assert is_the_air(bench.scan())


@given(st.binary(min_size=13, max_size=13))
def test_any_octets_give_faults_or_values_within_the_operating_range(octets):
    bench = Bench().settle()
    true_read = bench.bus.readfrom_mem_into

    def hostile(addr, memaddr, buf):
        true_read(addr, memaddr, buf)
        if memaddr == 0xF2:
            buf[5:] = octets[5:]

    bench.driver.start()
    bench.clock.advance_ms(20)
    bench.bus.readfrom_mem_into = hostile
    ranges = ((-4000, 8500), (-300, 10300), (30000, 110000))
    for item, (least, most) in zip(bench.driver.read(), ranges, strict=True):
        assert isinstance(item, Fault) or least <= item <= most
