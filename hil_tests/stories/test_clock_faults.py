"""A gateway whose wall clock is wrong, is set by an hour again and again, or begins in 1970."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hil_tests.bench import eventually
from hil_tests.clock_scene import SETTLED_S, SINK, Told, assert_whole, scene

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]  # libfaketime, on a busy machine

HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S
STEPS = 50
STEP_S = 0.25  # between two steps; the gateway looks at its clock once a second, and whenever it asks a node


def test_fifty_steps_of_an_hour_move_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.vouch(True)
        of.begin()
        of.gateway.wait_for(lambda status: status.clock.state == "synchronised", SETTLED_S)
        of.node.flow()
        eventually(of.heard, SETTLED_S)
        for step in range(STEPS):
            # Whoever sets a clock, the kernel takes it for unsynchronised until a daemon says otherwise.
            if step % 2 == 0:
                of.time.vouch(False)
                of.time.step(HOUR_S if step % 4 else -HOUR_S)
            else:
                of.time.step(0.0)
                of.time.vouch(True)
            time.sleep(STEP_S)
        of.gateway.wait_for(lambda status: status.clock.state == "synchronised", SETTLED_S)
        told = of.settle()
        assert_whole(of, told)
        assert len(told) >= STEPS
        assert max(each.uncertainty_s for each in told) < 2.0
        assert {each.state for each in told} <= {"resolved", "provisional"}
        assert "resolved" in {each.state for each in told}


def test_a_gateway_that_begins_in_1970_waits_and_dates_all_of_it_afterwards(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.set_to(5.0)
        of.time.vouch(True)  # whatever the kernel says of 1970
        of.begin()
        of.node.flow()
        status = of.gateway.wait_for(lambda status: status.store.waiting[SINK] > 50, SETTLED_S)
        assert status.clock.state == "unsynchronised"
        status = of.gateway.wait_for(lambda status: status.sinks[0].state == "waiting_for_time", SETTLED_S)
        assert status.sinks[0].detail.startswith("this host's clock is not synchronised")
        assert of.heard() == []
        of.gateway.stop()  # and again, in the same boot of the host
        of.begin()
        of.gateway.wait_for(lambda status: status.store.waiting[SINK] > 100, SETTLED_S)
        assert of.heard() == []
        of.time.step(0.0)
        told = of.settle()
        assert_whole(of, told)
        assert {each.state for each in told} == {"resolved"}
        assert max(each.uncertainty_s for each in told) < 1.0


def test_a_clock_a_year_ahead_that_is_set_back_dates_nothing_into_the_future_for_good(tmp_path: Path) -> None:
    with scene(tmp_path, 'unsynchronised = "send"\nprovisional_after_s = 0\n') as of:
        of.time.step(YEAR_S)
        of.begin()
        of.node.flow()
        eventually(lambda: len(of.heard()) > 50, SETTLED_S)
        early = of.heard()
        assert {each.state for each in early} == {"provisional"}
        assert min(each.uncertainty_s for each in early) > YEAR_S
        of.time.step(0.0)
        of.time.vouch(True)
        eventually(lambda: len(resolved(of.heard())) > 20, SETTLED_S)
        told = of.settle()
        assert_whole(of, told)
        late = resolved(told)
        assert max(each.uncertainty_s for each in late) < 1.0


def resolved(told: list[Told]) -> list[Told]:
    return [each for each in told if each.state == "resolved"]


def test_a_lie_would_be_seen(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.time.step(HOUR_S)
        of.time.vouch(True)  # a hostile time server
        of.begin()
        of.node.flow()
        eventually(of.heard, SETTLED_S)
        told = of.settle()
        assert {each.state for each in told} == {"resolved"}
        assert min(of.beyond_s(each) for each in told) > HOUR_S - 1
        with pytest.raises(AssertionError):
            assert_whole(of, told)
