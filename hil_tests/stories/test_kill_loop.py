"""SIGKILL of the gateway, hundreds of times, at any moment of its start and its work."""

from __future__ import annotations

import statistics

import pytest

from hil_tests.counts import COUNTED, Record
from hil_tests.faults.kill_loop import kill_loop

pytestmark = [pytest.mark.hil, pytest.mark.timeout(480)]

KILLS = 200
SEED = 1
CONTROL_KILLS = 16


def test_no_kill_costs_an_acknowledged_record(record_property: Record) -> None:
    counts = kill_loop(SEED, KILLS)
    first_acks_s = sorted(counts.first_ack_s)
    record_property(
        COUNTED,
        f"{counts.kills} kills, {counts.acknowledged} records acknowledged, {counts.lost} lost; from a start "
        f"to the first ACK {statistics.median(first_acks_s):.2f} s, at most {first_acks_s[-1]:.2f} s",
    )
    assert counts.mistakes == []
    assert (counts.kills, counts.lost) == (KILLS, 0)
    assert counts.acknowledged > 10 * KILLS
    assert len(first_acks_s) > KILLS // 4


def test_a_gateway_that_acknowledges_at_once_is_found_out() -> None:
    assert kill_loop(SEED, CONTROL_KILLS, mistake="ack_at_once", commit_ms=250).lost > 0, "nobody noticed"
