"""Several sensors on one board: side by side, and never two that are one chip."""

import pytest

from firmware.settings import Settings, SettingsError

BME = {"driver": "bme280"}
HX711 = {"driver": "hx711"}
NAU7802 = {"driver": "nau7802"}
ADS1220 = {"driver": "ads1220"}
PROBE = {"driver": "ds18b20"}
NAMED, OTHER = {**PROBE, "rom": "28aabbccddeeff00"}, {**PROBE, "rom": "28aabbccddeeff01"}


def apart(*sensors):
    """Settings of sensors whose channels have names of their own."""
    return {
        "sensors": list(sensors),
        "groups": [{"name": "all", "sensors": list(range(len(sensors)))}],
    }


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (apart(HX711, HX711), "sensors[1].clock: pin 18 is taken by sensors[0].clock"),
        (apart(HX711, {**HX711, "clock": 5}), "sensors[1].data: pin 19 is taken by sensors[0].data"),
        (apart({**HX711, "data": 18}), "sensors[0].data: pin 18 is taken by sensors[0].clock"),
        (apart(BME, {**HX711, "data": 22}), "sensors[1].data: pin 22 is taken by i2c[0].scl"),
        (apart({**HX711, "data": 22}, BME), "i2c[0].scl: pin 22 is taken by sensors[0].data"),
        (apart(BME, BME), "sensors[1].address: address 118 of i2c[0] is taken by sensors[0].address"),
        (apart(NAU7802, NAU7802), "sensors[1].address: address 42 of i2c[0] is taken by sensors[0].address"),
        ({**apart(BME, {**BME, "bus": 1}), "i2c": [{}, {}]}, "i2c[1].scl: pin 22 is taken by i2c[0].scl"),
        (apart(ADS1220, {**ADS1220, "drdy": 5}), "sensors[1].cs: pin 15 is taken by sensors[0].cs"),
        (apart(ADS1220, {**HX711, "bus": 0}), "sensors[1].bus: spi[0] is taken by chips that have a CS"),
        (apart({**HX711, "bus": 0}, ADS1220), "sensors[1].bus: spi[0] is taken by sensors[0].bus"),
        (apart(PROBE, PROBE), "sensors[1].pin: pin 4 is taken by sensors[0].pin"),
        (apart(NAMED, NAMED), "sensors[1].rom: rom 28aabbccddeeff00 is taken by sensors[0].rom"),
        (apart(NAMED, PROBE), "sensors[1].pin: pin 4 is taken by probes that have a rom"),
        (
            {**apart({**HX711, "data": 16}), "link": {"via": "uart"}},
            "sensors[0].data: pin 16 is taken by link.uart.rx",
        ),
    ],
)
def test_two_sensors_are_not_one_chip_and_no_pin_serves_two(values, problem):
    with pytest.raises(SettingsError) as caught:
        Settings(values)
    assert str(caught.value) == problem


def test_a_nau7802_that_sleeps_needs_the_calibration_that_it_would_lose():
    asleep = {"sleep": {"wake_ms": 60000}}
    with pytest.raises(SettingsError, match=r"^sleep.wake_ms: not without sensors\[1\].afe: each wake"):
        Settings({**apart(BME, NAU7802), **asleep})
    assert Settings({**apart(BME, {**NAU7802, "afe": "00000000800000"}), **asleep}).sleep


@pytest.mark.parametrize(
    "values",
    [
        apart(BME, {**BME, "address": 119}, NAU7802, {"driver": "sht4x"}),
        {**apart(NAU7802, {**NAU7802, "bus": 1}), "i2c": [{}, {"scl": 25, "sda": 26}]},
        apart(HX711, {**HX711, "clock": 12, "data": 13}),  # of an SPI bus that nobody uses
        apart(ADS1220, {**ADS1220, "cs": 5, "drdy": 26}),
        apart(NAMED, OTHER, {**NAMED, "pin": 5, "rom": "28aabbccddeeff02"}, {**PROBE, "pin": 32}),
        {**apart({**HX711, "data": 16}), "link": {"via": "console", "uart": {}}},
    ],
)
def test_several_of_a_kind_side_by_side(values):
    assert len(Settings(values).sensors) == len(values["sensors"])
