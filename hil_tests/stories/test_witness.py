"""A gateway that reboots without ever hearing the time, and a node that stays up and has carried it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench import eventually
from hil_tests.clock_scene import STALL_S, Scene, Told, assert_whole, scene
from hil_tests.demo.identity import Identity
from hil_tests.steady_node import SteadyNode

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]  # three starts behind libfaketime

HOUR_S = 3600.0
SEND = 'unsynchronised = "send"\nprovisional_after_s = 0\n'
PATIENCE_S = 60.0  # for a busy machine
EVERY_S = 0.1
BLOCKS = 20
GOOD_S = 5.0  # who has just said hello is known to a second; the gateway alone has to say a century


def best(told: list[Told]) -> dict[Identity, Told]:
    """Of each block the message with the surest time."""
    return {each.identity: each for each in sorted(told, key=lambda each: each.uncertainty_s, reverse=True)}


def worst_s(told: list[Told]) -> float:
    """How uncertain the least sure block is."""
    return max(each.uncertainty_s for each in best(told).values())


def flow(of: Scene) -> set[Identity]:
    """A boot of the gateway: some blocks that were sampled and delivered in it after it measured the node.

    What it measured is on its disk by then: exchanges are stored with the records that follow.
    """
    of.begin()
    of.gateway.wait_for(lambda now: any(each.clock == "resolved" for each in now.nodes), PATIENCE_S)
    before = of.node.everything
    eventually(lambda: len({each.identity for each in of.heard()} - before) > BLOCKS, PATIENCE_S)
    return {each.identity for each in of.heard()} - before


def test_a_node_that_stays_up_dates_the_boots_that_never_had_the_time(tmp_path: Path) -> None:
    with (
        scene(tmp_path, SEND, every_s=EVERY_S, look_s=1) as of,
        SteadyNode(bytes.fromhex("240ac4007002"), every_s=EVERY_S) as newcomer,
    ):
        of.node.flow()
        of.time.step(-HOUR_S)  # what fake-hwclock remembers
        first = flow(of)
        assert min(each.uncertainty_s for each in of.heard()) > HOUR_S
        of.reboot()
        of.time.step(0.0)
        of.time.vouch(True)
        known = flow(of)
        of.reboot()
        of.time.step(-HOUR_S)
        of.time.vouch(False)
        last = flow(of)
        newcomer.plug(of.ports / "tty2")  # has never met a gateway that knew the time
        of.gateway.wait_for(lambda now: [each.clock for each in now.nodes] == ["resolved"] * 2, PATIENCE_S)
        newcomer.flow()
        eventually(lambda: len(of.heard(newcomer)) > BLOCKS, PATIENCE_S)
        newcomer.hush()
        of.settle()
        eventually(lambda: best(of.heard(newcomer)).keys() == newcomer.everything, PATIENCE_S)
        eventually(lambda: worst_s(of.heard()) < GOOD_S, PATIENCE_S)
        eventually(lambda: worst_s(of.heard(newcomer)) < GOOD_S, PATIENCE_S)
        told = of.heard()
        assert_whole(of, told)
        surest = best(told)
        assert {(surest[each].state, surest[each].source) for each in known} == {("resolved", "")}
        assert {surest[each].source for each in first | last} == {"witness"}
        carried = best(of.heard(newcomer)).values()
        assert {(each.state, each.source) for each in carried} == {("provisional", "witness")}
        worst = max(carried, key=lambda each: of.beyond_s(each, newcomer))
        assert of.beyond_s(worst, newcomer) <= STALL_S, worst
