"""The same published numbers on CPython and on the real MicroPython."""

import json
from pathlib import Path

import pytest

from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded

VECTORS = Path(__file__).parents[1] / "vectors"
BME280 = json.loads((VECTORS / "bme280.json").read_text())
HX711 = json.loads((VECTORS / "hx711.json").read_text())
HERE = "tests.drivers.on_both"

READING_OCTETS_MOST = 16  # the tuple that read() gives back
BME280_OCTETS_MOST = 1200  # big integers of the formulas, garbage at once


def trim_of(case):
    trim = BME280["trims"][case["trim"]]
    return [{"hex": trim["low"]}, {"hex": trim["high"]}]


def octets(hexadecimal):
    return {"hex": hexadecimal}


def test_compensation_is_that_of_the_datasheet(runtime):
    cases = BME280["compensation"]
    got = runtime.values(f"{HERE}:compensate", [trim_of(case) + case["adc"] for case in cases])
    assert got == [
        [c["t_fine"], c["centi_c"], c["pa_256"] + 128 >> 8, c["rh_1024"] * 100 + 512 >> 10] for c in cases
    ]


def test_the_worked_example_of_the_datasheet_is_the_first_vector():
    example = BME280["compensation"][0]
    assert example["adc"][:2] == [519888, 415148]
    assert (example["t_fine"], example["centi_c"]) == (128422, 2508)
    assert example["float"][1] == pytest.approx(100653.27, abs=0.005)


@pytest.mark.parametrize("case", BME280["compensation"])
def test_integer_results_are_near_the_floating_point_ones(case):
    celsius, pascal, percent = case["float"]
    assert case["centi_c"] / 100 == pytest.approx(celsius, abs=0.006)
    assert case["pa_256"] / 256 == pytest.approx(pascal, abs=0.5)
    assert case["rh_1024"] / 1024 == pytest.approx(percent, abs=0.01)


def test_registers_become_values_or_named_faults(runtime):
    frames = BME280["frames"]
    calls = [[*trim_of(frame), octets(frame["octets"])] for frame in frames]
    expected = [decoded(frame["expected"]) for frame in frames]
    assert runtime.values(f"{HERE}:decode_frame", calls) == expected
    assert runtime.values(f"{HERE}:read_bme280", calls) == expected


@pytest.mark.parametrize(("chip_id", "words"), [(0x58, "BMP280"), (0x61, "chip id 0x61"), (0xFF, "0xff")])
def test_another_chip_is_refused_by_its_id(runtime, chip_id, words):
    case = [*trim_of(BME280["frames"][0]), chip_id]
    (answer,) = runtime.answers(f"{HERE}:open_bme280", [case])
    assert (answer["raises"], answer["fault"]) == ("SensorError", {"fault": "wrong_id"})
    assert words in answer["message"]


BY_PINS_OR_SPI = pytest.mark.parametrize("by_spi", [False, True], ids=["pins", "spi"])


@BY_PINS_OR_SPI
def test_codes_of_the_converter_have_a_sign_and_two_ends(runtime, by_spi):
    codes = [vector["code"] for vector in HX711["codes"]]
    (got,) = runtime.values(f"{HERE}_bridges:read_hx711", [[codes, by_spi]])
    assert got == [vector["expected"] for vector in HX711["codes"]]


@BY_PINS_OR_SPI
def test_the_number_of_pulses_selects_the_gain(runtime, by_spi):
    got = runtime.values(
        f"{HERE}_bridges:pulses_of_hx711", [[vector["gain"], by_spi] for vector in HX711["pulses"]]
    )
    assert got == [vector["pulses"] for vector in HX711["pulses"]]


@BY_PINS_OR_SPI
def test_reading_the_converter_takes_no_heap_but_its_result(by_spi):
    (octets_taken,) = micropython_32_bit().values(f"{HERE}_bridges:octets_of_reading_hx711", [[by_spi]])
    assert 0 <= octets_taken <= READING_OCTETS_MOST


def test_reading_air_takes_little_heap():
    frame = BME280["frames"][0]
    case = [*trim_of(frame), octets(frame["octets"])]
    (octets_taken,) = micropython_32_bit().values(f"{HERE}:octets_of_reading_bme280", [case])
    assert 0 < octets_taken <= BME280_OCTETS_MOST
