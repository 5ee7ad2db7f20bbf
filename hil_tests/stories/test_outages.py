"""Parts that are away for a while: the broker, the gateway, the cable."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from gateway.store.store import FORGET_LEAST
from hil_tests.bench import SINK, Bench, eventually, judge
from hil_tests.dated import assert_honest, dated, errors_s, known
from hil_tests.demo.publication import Block

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

BROKER_AWAY_S = 15.0
GATEWAY_AWAY_S = 20.0
PERIOD_S = 0.2  # of the air's scans
NEAR_S = 0.03  # far below the period, far above what a time may be off


def test_what_comes_while_the_broker_is_away_arrives_later(draining_bench: Bench) -> None:
    bench = draining_bench
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    bench.broker.stop()
    began_s = time.monotonic()
    status = bench.gateway.wait_for(lambda status: status.sinks[0].state != "online")
    assert SINK in "".join(fault.subject for fault in status.faults)
    time.sleep(BROKER_AWAY_S - (time.monotonic() - began_s))
    status = bench.gateway.wait_for(lambda _status: True)
    assert status.store.waiting[SINK] >= BROKER_AWAY_S * 5
    assert status.store.stored >= status.store.waiting[SINK]
    assert status.nodes[0].link == "open"
    waiting = node.cable.acknowledged() - bench.received()
    assert len(waiting) >= BROKER_AWAY_S * 5

    bench.broker.start()
    eventually(lambda: waiting <= bench.received(), 40)
    status = bench.gateway.wait_for(lambda status: status.sinks[0].state == "online")
    assert not [fault for fault in status.faults if SINK in fault.subject]
    bench.settle()
    assert node.cable.acknowledged() <= bench.received() <= node.cable.sent().keys()
    bench.gateway.wait_for(lambda status: status.store.stored <= FORGET_LEAST)  # fewer are not worth a write


def test_a_node_without_a_gateway_goes_on_measuring_and_tells_later(bench: Bench) -> None:
    node = bench.node()
    time.sleep(GATEWAY_AWAY_S)
    bench.start_gateway()
    eventually(lambda: dated(bench, "air_temperature"), 15)
    alone_until = len(node.truth.temperatures())
    assert alone_until >= GATEWAY_AWAY_S / PERIOD_S
    eventually(lambda: len(dated(bench, "air_temperature")) > alone_until / 2 + 5, 20)
    temperatures = node.truth.temperatures()
    bench.settle()

    judge(bench, node)
    assert node.cable.gaps() == set()
    air = known(dated(bench, "air_temperature"), temperatures)
    assert_honest(errors_s(air, "air_temperature", temperatures))
    assert max(each.uncertainty_s for each in air) < PERIOD_S / 4
    # Every sample that the chip gave is there; a slot that a busy machine missed says so.
    times_s = sorted({reading.utc_s for each in air for reading in each.block.readings})
    given_s = [each.utc_ns / 1e9 for each in temperatures]
    given_s = [each for each in given_s if times_s[0] <= each <= times_s[-1]]
    assert max(min(abs(each - time_s) for time_s in times_s) for each in given_s) < NEAR_S
    assert times_s[-1] - times_s[0] > GATEWAY_AWAY_S
    readings = [reading for each in bench.heard() if isinstance(each, Block) for reading in each.readings]
    assert {reading.fault for reading in readings} <= {"", "unsettled", "missed"}
    assert sum(reading.fault == "missed" for reading in readings) < len(readings) / 20


def test_a_cable_that_comes_back_under_other_names_costs_nothing(bench: Bench) -> None:
    node = bench.node()
    bench.start_gateway()
    eventually(bench.received, 15)
    boot = node.cable.hellos()[-1].boot
    names = ["tty1", "tty5", "tty3", "tty1"]
    for old, new in pairwise(names):
        bench.unplug(node, old)
        path = str(bench.ports / old)
        bench.gateway.wait_for(
            lambda status, path=path: {port.path: port.state for port in status.ports}.get(path) == "lost"  # type: ignore[misc]
        )
        node.board.plug()
        bench.plug(node, new)
        path = str(bench.ports / new)
        bench.gateway.wait_for(
            lambda status, path=path: [(each.port, each.link) for each in status.nodes] == [(path, "open")]  # type: ignore[misc]
        )
        sent = node.cable.sent().keys()
        eventually(lambda sent=sent: sent <= node.cable.acknowledged(), 20)  # type: ignore[misc]
    bench.settle()
    judge(bench, node)
    assert node.cable.gaps() == set()
    assert {hello.boot for hello in node.cable.hellos()} == {boot}
