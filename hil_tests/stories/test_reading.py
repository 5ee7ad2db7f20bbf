"""A reading travels from the chip to the subscriber, with its value, its unit and its time."""

from __future__ import annotations

import pytest

from hil_tests.bench import SETTINGS, Bench, NodeBoard, eventually, judge
from hil_tests.dated import Dated, assert_honest, dated, errors_s, known
from hil_tests.demo.publication import Block, Reading

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]

UNITS = {"air_temperature": "Cel", "relative_humidity": "%RH", "air_pressure": "Pa"}
USEFUL_S = 0.05
BLOCKS = 16
SEEN_S = 0.005  # the sampler looks every 2 ms whether the HX711 is done; the rest is its other tasks'
PACED = {"groups": [{"name": "air", "sensors": [0], "period_ms": 100, "scans": 10}, SETTINGS["groups"][1]]}


def run(bench: Bench, node: NodeBoard, blocks: int) -> None:
    bench.start_gateway()
    node.truth.set_temperature(31.5)
    node.board.load.kilograms = 12.0
    eventually(lambda: len(dated(bench, "air_temperature")) >= blocks, 40)


def present(dated: Dated) -> list[Reading]:
    """Without the slots that a busy machine missed: they have no value."""
    return [reading for reading in dated.block.readings if reading.value is not None]


def test_a_reading_arrives_with_value_unit_and_time(bench: Bench) -> None:
    node = bench.node()
    run(bench, node, BLOCKS)
    temperatures, loads = node.truth.temperatures(), node.truth.loads()
    bench.settle()
    judge(bench, node)

    air, load = dated(bench, "air_temperature"), dated(bench, "bridge_counts")
    latest = present(air[-1])
    assert {reading.channel: reading.unit for reading in latest} == UNITS
    assert {round(each.value or 0.0, 1) for each in latest if each.channel == "air_temperature"} == {31.5}
    counts, chip = present(load[-1])[-1], node.board.hx711
    assert counts.unit == "count"
    assert counts.value == pytest.approx(chip.zero + 12.0 * chip.counts_per_kg, abs=6 * chip.noise)

    air = known(air, temperatures)
    assert_honest(errors_s(air, "air_temperature", temperatures))
    seen = errors_s(known(load, loads), "bridge_counts", loads)
    assert_honest([error_s - SEEN_S for error_s in seen])
    assert {each.state for each in air[-5:]} == {"resolved"}
    assert max(each.uncertainty_s for each in air[-5:]) < USEFUL_S
    # The time tells what was measured before a change of the air from what was measured after it.
    changed_s = next(each for each in temperatures if each.value == 31.5).utc_ns / 1e9
    for reading in (reading for each in air for reading in present(each)):
        if reading.channel == "air_temperature" and abs(reading.utc_s - changed_s) > USEFUL_S:
            assert reading.value == pytest.approx(31.5 if reading.utc_s > changed_s else 12.5, abs=0.01)


def test_what_a_node_tells_of_itself_arrives_as_readings_with_units(bench: Bench) -> None:
    node = bench.node()
    bench.start_gateway()

    def told() -> list[Block]:
        return [each for each in bench.heard() if isinstance(each, Block) and each.group == "health"]

    eventually(told, 30)
    status = bench.gateway.status()
    bench.settle()
    judge(bench, node)
    found = {reading.channel: (reading.value, reading.unit) for reading in told()[0].readings}
    assert len(found) == 12
    assert found["reset_cause"] == (1, "")
    assert found["heap_piece"] == (4096, "B")
    assert found["records_lost"] == (0, "")
    assert status is not None
    assert status.nodes[0].health == {name: value for name, (value, _unit) in found.items()}
    assert not [fault for fault in status.faults if fault.subject.startswith("node ")]


def test_each_scan_of_a_long_block_has_its_own_true_time(bench: Bench) -> None:
    node = bench.node(settings=PACED)
    run(bench, node, 6)
    temperatures = node.truth.temperatures()
    air = known(dated(bench, "air_temperature"), temperatures)
    scans = [
        [reading.utc_s for reading in each.block.readings if reading.channel == "air_temperature"]
        for each in air
    ]
    assert all(len(set(times_s)) == len(times_s) for times_s in scans)
    assert max(map(len, scans)) > 1  # ten; a busy machine misses slots, and a block ends where its pace does
    assert_honest(errors_s(air, "air_temperature", temperatures))
    assert max(each.uncertainty_s for each in air) < USEFUL_S
