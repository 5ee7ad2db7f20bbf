"""What an emulated ESP32 measures of itself."""

import pytest

from hil_tests.chips import ESP32Inside


def test_both_kinds_of_chip_tell_whole_degrees():
    chip = ESP32Inside(celsius=37.0)
    assert (chip.raw_temperature(), chip.mcu_temperature()) == (99, 37)
    chip.no_sensor = True
    assert chip.raw_temperature() == 128


def test_the_pin_sees_the_supply_behind_its_divider():
    assert ESP32Inside(volts=4.0, ratio=4.0).read_uv() == pytest.approx(1_000_000, abs=6_000)
    assert ESP32Inside(volts=4.0, ratio=4.0).read_u16() == pytest.approx(65535 / 3.3, abs=150)


@pytest.mark.parametrize(
    ("wire", "least", "most"), [("off", 20_000, 40_000), ("short", 3_290_000, 3_300_000)]
)
def test_a_pin_with_a_broken_divider_reads_something_all_the_same(wire, least, most):
    chip = ESP32Inside(volts=4.0)
    chip.wire = wire
    assert least <= chip.read_uv() <= most
