"""Sensors that fail: the reason is said by name, the others go on, and it ends by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.bench import Bench, NodeBoard, eventually, judge
from hil_tests.demo.publication import Block, Reading

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]

AIR, LOAD = "air_temperature", "bridge_counts"


def readings(bench: Bench, channel: str) -> list[Reading]:
    return [
        reading
        for each in bench.heard()
        if isinstance(each, Block)
        for reading in each.readings
        if reading.channel == channel
    ]


def good(bench: Bench, channel: str) -> int:
    return sum(reading.value is not None for reading in readings(bench, channel))


def faults(bench: Bench, channel: str) -> set[str]:
    """What the chip did; a slot that a busy machine missed is not its doing."""
    return {reading.fault for reading in readings(bench, channel)} - {"", "unsettled", "missed"}


def started(bench: Bench) -> NodeBoard:
    node = bench.node()
    bench.start_gateway()
    eventually(lambda: good(bench, AIR) and good(bench, LOAD), 15)
    return node


def goes_on(bench: Bench, channel: str) -> None:
    before = good(bench, channel)
    eventually(lambda: good(bench, channel) >= before + 6, 15)


def brown_out(node: NodeBoard) -> None:
    node.board.bme280.brown_out()


def silence(node: NodeBoard) -> None:
    node.board.bme280.nacks = True


def answer(node: NodeBoard) -> None:
    node.board.bme280.nacks = False


def freeze(node: NodeBoard) -> None:
    node.board.bme280.frozen = True


def thaw(node: NodeBoard) -> None:
    node.board.bme280.frozen = False


def cable_off(node: NodeBoard) -> None:
    node.board.hx711.line = "high"


def cable_on(node: NodeBoard) -> None:
    node.board.hx711.line = "connected"


def nothing(_node: NodeBoard) -> None:
    """It ends by itself."""


STORIES: dict[str, tuple[Callable[[NodeBoard], None], Callable[[NodeBoard], None], str, set[str]]] = {
    "brown-out": (brown_out, nothing, AIR, {"reset_value"}),
    "no answer": (silence, answer, AIR, {"bus", "absent"}),
    "frozen": (freeze, thaw, AIR, {"not_ready"}),
    "cable off": (cable_off, cable_on, LOAD, {"not_ready"}),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_failing_sensor_is_named_and_comes_back(bench: Bench, name: str) -> None:
    fail, recover, channel, names = STORIES[name]
    node = started(bench)
    fail(node)
    eventually(lambda: faults(bench, channel), 15)
    goes_on(bench, LOAD if channel == AIR else AIR)
    recover(node)
    goes_on(bench, channel)
    bench.settle()
    assert faults(bench, channel) <= names
    assert faults(bench, LOAD if channel == AIR else AIR) == set()
    values = [reading.value for reading in readings(bench, AIR) if reading.value is not None]
    assert values == pytest.approx([12.5] * len(values), abs=0.01)  # no plausible number in a fault's place
    judge(bench, node)
