"""The gateway's process ends at any moment, as by kill -9 or the out-of-memory killer."""

from __future__ import annotations

import random
import time

import pytest

from hil_tests.bench import Bench, eventually, judge

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

KILLS = 12
SEED = 7
PHASE_S = (0.3, 2.0)  # after its start: from the imports to a full flow


def test_a_killed_gateway_loses_nothing_that_it_acknowledged(bench: Bench) -> None:
    """What was acknowledged is judged by the octets that reached the board, after each kill."""
    phases = random.Random(SEED)
    node = bench.node()
    flowed = 0
    for _ in range(KILLS):
        before = len(node.cable.acknowledged())
        bench.gateway.start()
        time.sleep(phases.uniform(*PHASE_S))
        bench.gateway.kill()
        acknowledged = node.cable.acknowledged()
        flowed += len(acknowledged) > before
        if acknowledged:
            assert acknowledged - {row.identity for row in bench.rows()} == set()
    assert flowed >= KILLS / 2

    bench.start_gateway()
    sent = node.cable.sent().keys()
    eventually(lambda: sent <= node.cable.acknowledged(), 15)
    bench.settle()
    judge(bench, node)
    assert node.cable.gaps() == set()


def test_a_store_that_forgets_what_is_delivered_loses_nothing_either(draining_bench: Bench) -> None:
    bench = draining_bench
    phases = random.Random(SEED)
    node = bench.node()
    for _ in range(KILLS // 2):
        before = len(bench.received())
        bench.start_gateway()
        eventually(lambda before=before: len(bench.received()) > before, 10)  # type: ignore[misc]
        time.sleep(phases.uniform(0, PHASE_S[0]))
        bench.gateway.kill()
    bench.start_gateway()
    bench.settle()
    assert node.cable.acknowledged() - bench.received() == set()
    assert bench.received() - node.cable.sent().keys() == set()
