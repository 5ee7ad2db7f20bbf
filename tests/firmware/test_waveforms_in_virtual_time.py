"""Every conversion of a converter, by the interrupt of its data-ready pin, beside what else a node does."""

from contextlib import contextmanager
from itertools import pairwise

import pytest

from hil_tests.board import VirtualTime
from hil_tests.chips import ADS1220Chip, HX711Chip, Load, NAU7802Chip
from tests.firmware.virtual_node import virtual_node

AIR, STRAIN = 0, 1
BULK = 2
SCANS = 64
STEP_US = 2_000  # what else the node does in one piece before it hears of an interrupt: a BME280's burst
BAUD = 115_200
SETTINGS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [{"name": "air", "sensors": [0]}, {"name": "strain", "sensors": [1], "sps": 80}],
}


@contextmanager
def strain_node(directory, baud=BAUD, settings=SETTINGS):
    time = VirtualTime(seed=1)
    chip = HX711Chip(Load(kilograms=2.0), time.monotonic_us, rate_sps=80.0)
    with virtual_node(directory, settings, time, pin_chip=chip, console_baud=baud) as node:
        node.chip = chip
        yield node


def settled(node, group=STRAIN):
    """The blocks whose every value came after the chip had settled."""
    return [block for block in node.blocks(group) if 11 not in block.exceptions.values()]


@pytest.mark.timeout(60)
def test_no_conversion_is_missed_while_the_weather_is_measured_and_a_backlog_drains(tmp_path):
    with strain_node(tmp_path) as node:
        period_us = node.chip.period_us
        node.time.run_for(10)
        node.gateway.deaf = True
        node.time.run_for(20)
        node.gateway.deaf = False
        node.time.run_for(62)
        blocks = settled(node)
        assert [block.exceptions for block in blocks] == [{}] * len(blocks)
        assert {block.stream for block in blocks} == {BULK}
        assert [block.seq for block in node.blocks(STRAIN)] == list(range(len(node.blocks(STRAIN))))
        assert sum(len(block.values) for block in blocks) > 80 * (node.time.seconds - 4)
        # Each stamp is the moment of the conversion, so the rate is the oscillator's own.
        for block, after in pairwise(blocks):
            assert after.t_first - block.t_first == pytest.approx(len(block.values) * period_us, abs=STEP_US)
            assert block.span == pytest.approx((len(block.values) - 1) * period_us, abs=STEP_US)
        assert node.gateway.health()["slots_missed"] == 0
        assert len(node.scans(AIR, 3)) > node.time.seconds - 15


def test_what_a_slow_console_costs_stands_as_holes_in_their_place(tmp_path):
    with strain_node(tmp_path, baud=9_600) as node:
        period_us = node.chip.period_us
        node.time.run_for(67)
        blocks = settled(node)
        missed = sum(list(block.exceptions.values()).count(12) for block in blocks)
        assert missed > 50
        told = node.gateway.health()["slots_missed"]
        assert missed - 10 < told < 2 * missed  # two seconds ago; with those between two blocks
        for block in blocks:  # an interrupt that is late by most of a period may count one too many
            assert block.span == pytest.approx((len(block.values) - 1) * period_us, abs=1.5 * period_us)
        assert sum(len(block.values) == SCANS for block in blocks) > len(blocks) / 2


def test_a_cell_that_falls_silent_is_a_fault_a_second_until_it_is_back(tmp_path):
    with strain_node(tmp_path) as node:
        node.time.run_for(5)
        node.chip.line = "high"
        node.time.run_for(190)
        silent = [scan for scan in node.scans(STRAIN) if scan == ["not_ready"]]
        assert len(silent) == pytest.approx(190, abs=15)
        assert node.gateway.health()["sensors_given_up"] == 1
        node.chip.line = "connected"
        node.time.run_for(300)
        assert settled(node)[-1].exceptions == {}
        assert node.gateway.health()["sensors_given_up"] == 0


def test_a_mean_of_conversions_is_bulk_too(tmp_path):
    groups = [SETTINGS["groups"][0], {**SETTINGS["groups"][1], "decimate": 8, "report_ms": 2000}]
    with strain_node(tmp_path, settings={**SETTINGS, "groups": groups}) as node:
        period_us = node.chip.period_us
        node.time.run_for(12)
        blocks = settled(node)
        assert {(block.stream, len(block.values)) for block in blocks} == {(BULK, 20)}
        assert [block.span for block in blocks] == pytest.approx(
            [19 * 8 * period_us] * len(blocks), abs=STEP_US
        )


@pytest.mark.parametrize("rate", [80, 320])
def test_a_nau7802_tells_by_drdy_and_a_loss_of_its_supply_is_seen(tmp_path, rate):
    time = VirtualTime(seed=1)
    chip = NAU7802Chip(Load(kilograms=2.0), time.monotonic_us)
    settings = {
        "i2c": [{"freq": 400000}],
        "sensors": [{"driver": "nau7802", "rate": rate, "drdy": 5}],
        "groups": [{"name": "strain", "sensors": [0], "sps": rate}],
    }
    with virtual_node(tmp_path, settings, time, chips=[chip], outputs={5: chip.drdy}) as node:
        time.run_for(4)
        block = settled(node, 0)[-1]
        # The emulated pin is looked at every 2 ms.
        assert block.span == pytest.approx((len(block.values) - 1) * chip.period_us, abs=2500)
        chip.brown_out()
        time.run_for(4)
        items = [scan[0] for scan in node.scans(0)]
        assert "not_ready" in items
        assert "missed" not in items
        assert settled(node, 0)[-1].t_first > 5_000_000


def test_an_ads1220_is_started_again_with_each_conversion(tmp_path):
    time = VirtualTime(seed=1)
    chip = ADS1220Chip(Load(kilograms=2.0), time.monotonic_us)
    settings = {
        "sensors": [{"driver": "ads1220", "rate": 90}],
        "groups": [{"name": "strain", "sensors": [0], "sps": 90}],
    }
    with virtual_node(tmp_path, settings, time, spi_chips={15: chip}, outputs={27: chip.drdy}) as node:
        time.run_for(3)
        blocks = settled(node, 0)
        assert [len(block.values) for block in blocks] == [SCANS] * 2
        assert [block.exceptions for block in blocks] == [{}] * 2
        chip.missing = "high"
        time.run_for(3)
        assert node.scans(0)[-1][0] in {"bus", "absent"}
