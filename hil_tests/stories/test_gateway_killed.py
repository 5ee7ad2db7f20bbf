"""The gateway's process ends at any moment, as by kill -9 or the out-of-memory killer."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from hil_tests.bench import Bench, eventually, judge
from hil_tests.demo.identity import Identity

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

KILLS = 12
SEED = 7
PHASE_S = (0.3, 2.0)  # after its start: from the imports to a full flow


SLOW_COMMITS = "[store]\ngroup_commit_ms = 250\n"


def lost(bench: Bench, acknowledged: set[Identity]) -> set[Identity]:
    """What was acknowledged and is in the store no more."""
    return acknowledged - {row.identity for row in bench.rows()}


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
            assert lost(bench, acknowledged) == set()
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


def test_a_gateway_that_acknowledges_before_the_commit_is_found_out(tmp_path: Path) -> None:
    phases = random.Random(SEED)
    with Bench(tmp_path, settings=SLOW_COMMITS, module="hil_tests.hasty_gateway") as bench:
        node = bench.node()
        for _ in range(KILLS):
            before = len(node.cable.acknowledged())
            bench.start_gateway()
            eventually(lambda before=before: len(node.cable.acknowledged()) > before, 10)  # type: ignore[misc]
            time.sleep(phases.uniform(0, PHASE_S[0]))
            bench.gateway.kill()
            if lost(bench, node.cable.acknowledged()):
                return
    raise AssertionError("nobody noticed")
