"""The ESP32's own temperature and supply: true within what the chip can do, and no number where it cannot."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.esp32 import ESP32
from hil_tests.chips import ESP32Inside
from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded
from wire.faults import ABSENT, OUT_OF_RANGE, RESET_VALUE, SATURATED

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "esp32.json").read_text())


def first(chip, **more):
    return ESP32(chip.raw_temperature, fahrenheit=True, adc=chip, **more)


def scan(driver):
    driver.open()
    driver.start()
    assert driver.ready()
    return driver.read()


@given(st.floats(-40, 125))
def test_the_temperature_is_within_a_degree_on_either_chip(celsius):
    chip = ESP32Inside(celsius=celsius)
    (centi_c,) = scan(ESP32(chip.mcu_temperature))
    assert centi_c / 100 == pytest.approx(celsius, abs=0.51)
    (centi_c,) = scan(ESP32(chip.raw_temperature, fahrenheit=True))
    if centi_c is RESET_VALUE:
        assert celsius == pytest.approx(53.3, abs=0.3)
    elif centi_c is OUT_OF_RANGE:
        assert celsius == pytest.approx(125, abs=0.3)
    else:
        assert centi_c / 100 == pytest.approx(celsius, abs=0.29)


@given(st.floats(0.4, 2.4), st.sampled_from([1000, 2000, 5545, 11000]), st.integers(0, 50))
def test_the_supply_is_that_in_front_of_the_divider(at_pin, ratio_milli, seed):
    chip = ESP32Inside(volts=at_pin * ratio_milli / 1000, ratio=ratio_milli / 1000, seed=seed)
    _, millivolts = scan(first(chip, ratio_milli=ratio_milli))
    assert millivolts == pytest.approx(at_pin * ratio_milli, abs=7 * ratio_milli / 1000 + 1)


def test_without_a_pin_there_is_no_channel_for_the_supply():
    chip = ESP32Inside()
    assert [name for name, _, _ in ESP32(chip.mcu_temperature).CHANNELS] == ["chip_temperature"]
    assert [name for name, _, _ in first(chip).CHANNELS] == ["chip_temperature", "supply"]


def test_an_image_without_a_temperature_has_none():
    assert scan(ESP32(None)) == (ABSENT,)


def test_a_chip_whose_sensor_does_not_work_has_no_53_degrees():
    chip = ESP32Inside()
    chip.no_sensor = True
    assert scan(first(chip))[0] is RESET_VALUE


@pytest.mark.parametrize("celsius", [-41.0, 126.0])
def test_a_temperature_that_no_chip_survives_is_none(celsius):
    assert scan(first(ESP32Inside(celsius=celsius)))[0] is OUT_OF_RANGE


@pytest.mark.parametrize(
    ("wire", "volts", "fault"),
    [
        ("off", 3.7, OUT_OF_RANGE),
        ("short", 3.7, SATURATED),
        ("short", 2.9, OUT_OF_RANGE),
        ("", 0.2, OUT_OF_RANGE),
    ],
)
def test_a_pin_that_is_not_in_the_calibrated_range_gives_no_supply(wire, volts, fault):
    chip = ESP32Inside(volts=volts)
    chip.wire = wire
    assert scan(first(chip))[1] is fault


def test_readings_become_values_or_named_faults(runtime):
    cases = VECTORS["readings"]
    names = ("degrees", "fahrenheit", "u16", "uv", "ratio_milli")
    got = runtime.values(
        "tests.drivers.on_both:read_esp32", [[each[name] for name in names] for each in cases]
    )
    assert got == [decoded(each["expected"]) for each in cases]


def test_a_reading_takes_no_heap_but_its_result():
    (octets,) = micropython_32_bit().values("tests.drivers.on_both:octets_of_reading_esp32", [[]])
    assert 0 <= octets <= 16
