"""Chips that misbehave for minutes, as the gateway hears of it: named, tried a bounded number of times."""

from itertools import pairwise

import pytest

from hil_tests.board import VirtualTime
from hil_tests.chips import Load, NAU7802Chip
from tests.firmware.virtual_node import virtual_node

AIR, LOAD = 0, 1
SETTINGS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 1000, "scans": 10},
        {"name": "load", "sensors": [1], "period_ms": 500, "scans": 20},
    ],
}
TRIED_S = 160  # ten tries take so long; then every 300 s


def bursts(probes, apart_s=0.5):
    """The first of each bunch."""
    return probes[:1] + [later for sooner, later in pairwise(probes) if later - sooner > apart_s]


def said_of_sensors(node):
    return [text for text in node.gateway.logs if text.startswith("sensors[")]


@pytest.mark.timeout(60)
def test_another_chip_is_given_up_and_costs_the_load_cell_nothing(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.board.bme280.chip_id = 0x61
        node.time.run_for(TRIED_S)
        tries = bursts(node.probes("BME280Chip"))
        pauses_s = [later - sooner for sooner, later in pairwise(tries)]
        assert all(  # at the first scan that is due
            wanted - 0.1 < pause < wanted + 1.1
            for pause, wanted in zip(pauses_s, [1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True)
        )
        node.time.run_for(280)
        assert bursts(node.probes("BME280Chip")) == tries
        assert {tuple(scan) for scan in node.scans(AIR, 3)} == {("wrong_id",) * 3}
        assert node.gateway.health()["sensors_given_up"] == 1
        assert said_of_sensors(node) == ["sensors[0] wrong_id: chip id 0x61 at 0x76, a BME280 has 0x60"]
        node.board.bme280.chip_id = 0x60
        node.time.run_for(40)
        assert node.scans(AIR, 3)[-1][2] == pytest.approx(node.board.air.pressure, abs=10)
        # It settles within its first two slots.
        assert [scan for scan in node.scans(LOAD) if isinstance(scan[0], str)] == [["unsettled"]]
        assert len(node.scans(LOAD)) == pytest.approx(2 * node.time.seconds, abs=25)  # a block is on its way


def test_a_stuck_bus_costs_one_scan_and_another_chip_nothing(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.time.run_for(15)
        node.board.stick_bus()  # as after a reset in the middle of a reading
        node.time.run_for(20)
        assert [scan for scan in node.scans(AIR, 3) if isinstance(scan[0], str)] == [["bus"] * 3]
        node.board.stick_bus(pulses=40)  # a chip that has more to say: tried after 1, 2, 4, 8 s
        node.time.run_for(40)
        faults = [scan[0] for scan in node.scans(AIR, 3) if isinstance(scan[0], str)]
        assert faults == ["bus", "bus"] + ["absent"] * (len(faults) - 2)
        assert 15 <= len(faults) <= 22
        assert node.gateway.health()["sensors_given_up"] == 0
        assert node.scans(AIR, 3)[-1][2] == pytest.approx(node.board.air.pressure, abs=10)
        assert {scan[0] for scan in node.scans(LOAD) if isinstance(scan[0], str)} == {"unsettled"}


@pytest.mark.timeout(60)
def test_a_silent_load_cell_is_given_up_and_costs_the_weather_nothing(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        node.board.hx711.line = "high"
        node.time.run_for(TRIED_S + 60)
        assert {tuple(scan) for scan in node.scans(LOAD)} == {("not_ready",)}
        assert node.gateway.health()["sensors_given_up"] == 1
        assert [
            scan for scan in node.scans(AIR, 3) if "unsettled" not in scan and str in map(type, scan)
        ] == []
        blocks = node.blocks(AIR)[1:]  # the first begins when its chip has settled
        assert all(abs(b.t_first - a.t_first - 10_000_000) < 20_000 for a, b in pairwise(blocks))
        node.board.hx711.line = "connected"
        node.time.run_for(300)
        assert isinstance(node.scans(LOAD)[-1][0], int)
        assert node.gateway.health()["sensors_given_up"] == 0
        assert said_of_sensors(node) == ["sensors[1] not_ready", "sensors[1] measures again"]


def test_what_comes_and_goes_is_told_of_twice_a_minute_at_most(tmp_path):
    with virtual_node(tmp_path, SETTINGS) as node:
        chip = node.board.bme280

        def loosen():
            chip.nacks = not chip.nacks
            node.time.after(3.5, loosen)

        node.time.after(5, loosen)
        node.time.run_for(300)
        said = said_of_sensors(node)
        assert said[0].startswith(("sensors[0] bus", "sensors[0] absent: no answer at 0x76"))
        assert 4 <= len(said) <= 10, said


def test_a_chip_that_loses_its_supply_over_and_over_is_opened_at_a_bounded_pace(tmp_path):
    time = VirtualTime(seed=1)
    chip = NAU7802Chip(Load(), time.monotonic_us)
    settings = {
        "sensors": [{"driver": "nau7802", "rate": 320}],
        "groups": [{"name": "load", "sensors": [0], "period_ms": 10, "scans": 50}],
    }
    with virtual_node(tmp_path, settings, time, chips=[chip]) as node:

        def cut():
            chip.brown_out()
            time.after(0.02, cut)

        time.after(0.01, cut)
        time.run_for(20)
        resets = [each for each in node.board.accesses if each.written == b"\x00\x01"]
        assert 4 <= len(resets) <= 6  # at 0, 1, 3, 7, 15 s
        assert ("reset_value",) in {tuple(scan) for scan in node.scans(0)}


LIMITS = {
    "sensors": [
        {"driver": "bme280", "range": [[-10, 40], None, [90000, 110000]], "stuck": [30, 0, 0]},
        {"driver": "hx711", "range": [[-100000, 100000]], "stuck": [5]},
    ],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 200, "scans": 5},
        {"name": "load", "sensors": [1], "period_ms": 90, "scans": 5},
    ],
}


def test_what_the_settings_rule_out_is_named_channel_by_channel(tmp_path):
    with virtual_node(tmp_path, LIMITS) as node:
        node.board.air.temperature = 25.0
        node.time.run_for(3)
        assert node.scans(AIR, 3)[-1][0] == pytest.approx(2500, abs=5)
        node.board.air.temperature = 41.0
        node.board.load.kilograms = 8.0  # 112,000 counts
        node.time.run_for(2)
        assert node.scans(AIR, 3)[-1][0] == "out_of_range"
        assert isinstance(node.scans(AIR, 3)[-1][1], int)
        assert node.scans(LOAD)[-1] == ["out_of_range"]
        node.board.air.temperature = 20.0
        node.board.load.kilograms = 1.0
        node.board.hx711.noise = 0
        node.time.run_for(8)
        assert node.scans(AIR, 3)[-1][0] == "stuck"
        assert node.scans(AIR, 3)[-1][2] == pytest.approx(node.board.air.pressure, abs=10)
        assert node.scans(LOAD)[-1] == ["stuck"]
        node.board.air.temperature = 21.0
        node.board.hx711.noise = 20.0
        node.time.run_for(2)
        assert node.scans(AIR, 3)[-1][0] == pytest.approx(2100, abs=5)
        assert isinstance(node.scans(LOAD)[-1][0], int)
