"""The gateway's process ends at any moment, as by kill -9 or the out-of-memory killer."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from hil_tests.bench import Bench, NodeBoard, eventually, judge
from hil_tests.demo.identity import Identity

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

KILLS = 12
SEED = 7
START_S = 1.5  # within it: imports, the store's recovery, ports, the first HELLO
FLOW_S = 0.3  # within it: several commits and their ACKs


SLOW_COMMITS = "[store]\ngroup_commit_ms = 250\n"


def lost(bench: Bench, acknowledged: set[Identity]) -> set[Identity]:
    """What was acknowledged and is in the store no more."""
    return acknowledged - {row.identity for row in bench.rows()}


def start_flow(bench: Bench, node: NodeBoard) -> None:
    """Start the gateway, and wait until it acknowledges what is new."""
    before = len(node.cable.acknowledged())
    bench.gateway.start()
    eventually(lambda: len(node.cable.acknowledged()) > before, 15)


def test_a_killed_gateway_loses_nothing_that_it_acknowledged(bench: Bench) -> None:
    """What was acknowledged is judged by the octets that reached the board, after each kill."""
    phases = random.Random(SEED)
    node = bench.node()
    for number in range(KILLS):
        if number % 2:
            bench.gateway.start()
            time.sleep(phases.uniform(0, START_S))
        else:
            start_flow(bench, node)
            time.sleep(phases.uniform(0, FLOW_S))
        bench.gateway.kill()
        assert lost(bench, node.cable.acknowledged()) == set()

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
        start_flow(bench, node)
        time.sleep(phases.uniform(0, FLOW_S))
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
            start_flow(bench, node)
            time.sleep(phases.uniform(0, FLOW_S))
            bench.gateway.kill()
            if lost(bench, node.cable.acknowledged()):
                return
    raise AssertionError("nobody noticed")
